"""What is in a data set, in counts of subjects that are never so small that they tell of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

#: Row of all values that too few subjects have; their names would tell of somebody too.
OTHER: Final = "other"
UNKNOWN: Final = "unknown"
#: Tables of the summary: the DICOM keyword that each counts.
COUNTED: Final = ("Modality", "BodyPartExamined", "Manufacturer", "PatientSex")
#: One scan as a manifest keeps it: subject, study, series, modality, facts, number of images.
Row = Mapping[str, Any]
#: Years of one age band.
BAND: Final = 10


def summary(scans: Iterable[Row], *, least: int) -> dict[str, Any]:
    """Return counts by attribute.

    Args:
        scans: The scans of the data set.
        least: Smallest number of subjects that is told; smaller ones are None, or joined to
            `other` until that is large enough. So no count can be had by subtraction either.
    """
    every = tuple(scans)
    subjects = {scan["subject"] for scan in every}
    enough = len(subjects) >= least
    return {
        "smallest_count": least,
        "subjects": len(subjects) if enough else None,
        "studies": len({scan["study"] for scan in every}) if enough else None,
        "series": len(every) if enough else None,
        "images": sum(scan["images"] for scan in every),
        "subjects_by": {
            **{word: _table(every, word, least) for word in COUNTED},
            "AgeBand": _table(every, "AgeBand", least),
        },
    }


def _table(scans: tuple[Row, ...], word: str, least: int) -> dict[str, int | None]:
    holders: dict[str, set[str]] = {}
    for scan in scans:
        holders.setdefault(_value(scan, word), set()).add(scan["subject"])
    return suppressed(holders, least)


def suppressed(holders: Mapping[str, set[str]], least: int) -> dict[str, int | None]:
    """Return how many subjects have each value, without telling of fewer than `least`.

    Args:
        holders: The subjects of each value.
        least: Smallest number that is told.
    """
    told = {value: who for value, who in holders.items() if len(who) >= least}
    rest: set[str] = set()
    for value, who in holders.items():
        rest |= set() if value in told else who
    while rest and told and len(rest) < least:
        smallest = min(told, key=lambda value: (len(told[value]), value))
        rest |= told.pop(smallest)
    rows: dict[str, int | None] = {value: len(who) for value, who in sorted(told.items())}
    if rest:
        rows[OTHER] = len(rest) if len(rest) >= least else None
    return rows


def _value(scan: Row, word: str) -> str:
    if word == "AgeBand":
        return age_band(scan["facts"].get("PatientAge", ""))
    value = scan["modality"] if word == "Modality" else scan["facts"].get(word, "")
    # A value that is spelled like the row of the rest must not be added to it.
    value = value.strip()[:64]
    return UNKNOWN if not value or value.casefold() == OTHER else value


def age_band(age: str) -> str:
    """Return the ten years that an age falls into (DICOM PS3.5 6.2, VR AS: `045Y`, `006M`)."""
    number, unit = age.strip()[:-1], age.strip()[-1:]
    if not number.isascii() or not number.isdigit() or unit not in set("DWMY"):
        return UNKNOWN
    years = int(number) if unit == "Y" else 0
    start = min(years, 90) // BAND * BAND
    return f"{start}+" if start == 90 else f"{start}-{start + BAND - 1}"  # noqa: PLR2004 - GDPR practice: 90 and more
