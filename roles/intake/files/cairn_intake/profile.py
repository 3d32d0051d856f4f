"""The Basic Profile and its options as one flat table: what happens to each attribute.

DICOM PS3.15 Annex E, Table E.1-1. The table is a file beside this one; here it is joined with the
options of a node once, so that an image costs one look-up for each attribute.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cairn_intake.descriptors import CLEANED
from cairn_intake.values import standard_vr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cairn_intake.settings import Private


class Verb(Enum):
    """What happens to an attribute."""

    DROP = "is removed"
    EMPTY = "is emptied"
    DUMMY = "gets a value that says nothing"
    UID = "gets a keyed UID"
    ENTER = "is kept, and cleaned inside"
    SHIFT = "moves with the patient's dates"
    WORDS = "keeps its harmless words"
    AGE = "is kept up to 89 years"
    KEEP = "is kept"
    PSEUDONYM = "becomes the pseudonym"


#: Of two actions the standard lets the object's definition choose; we take the one that is always
#: right for it: a dummy where a value may be demanded, empty where the attribute may be.
_VERBS: Final = {
    "X": Verb.DROP,
    "Z": Verb.EMPTY,
    "D": Verb.DUMMY,
    "U": Verb.UID,
    "Z/D": Verb.DUMMY,
    "X/Z": Verb.EMPTY,
    "X/D": Verb.DUMMY,
    "X/Z/D": Verb.DUMMY,
    "X/Z/U*": Verb.ENTER,
}
#: Kept whole by the option Retain Patient Characteristics; what it lets a person clean is removed.
_CHARACTERISTICS: Final = {
    0x0010_0040: Verb.KEEP,  # Patient's Sex
    0x0010_1010: Verb.AGE,  # Patient's Age
    0x0010_1020: Verb.KEEP,  # Patient's Size
    0x0010_1030: Verb.KEEP,  # Patient's Weight
    0x0010_2160: Verb.KEEP,  # Ethnic Group
    0x0010_21A0: Verb.KEEP,  # Smoking Status
    0x0010_21C0: Verb.KEEP,  # Pregnancy Status
    0x0010_2203: Verb.KEEP,  # Patient's Sex Neutered
}
#: Who the patient is: the pseudonym stands in both places.
_IDENTITY: Final = {0x0010_0010: Verb.PSEUDONYM, 0x0010_0020: Verb.PSEUDONYM}
#: First bytes of the groups that repeat.
_CURVES: Final = 0x50
_OVERLAYS: Final = 0x60
#: The date of birth is retained by no option.
_BIRTH: Final = frozenset({0x0010_0030, 0x0010_0032, 0x0010_0033, 0x0010_0034})

#: Code and meaning of each option that is carried out, DICOM PS3.16 CID 7050.
CODES: Final = {
    "basic": ("113100", "Basic Application Confidentiality Profile"),
    "clean-pixel-data": ("113101", "Clean Pixel Data Option"),
    "clean-graphics": ("113103", "Clean Graphics Option"),
    "clean-descriptors": ("113105", "Clean Descriptors Option"),
    "retain-longitudinal-full-dates": (
        "113106",
        "Retain Longitudinal Temporal Information Full Dates Option",
    ),
    "retain-longitudinal-modified-dates": (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
    "retain-patient-characteristics": ("113108", "Retain Patient Characteristics Option"),
    "retain-safe-private": ("113111", "Retain Safe Private Option"),
}


@dataclass(frozen=True, slots=True)
class Profile:
    """What happens to each attribute on this node.

    Attributes:
        options: The options in force, as the spec names them.
        verbs: What happens to an attribute, by tag.
        time: What happens to dates and times that the table does not name.
        private: Private attributes that are kept: creator, group and the last two digits.
    """

    options: frozenset[str]
    verbs: Mapping[int, Verb]
    time: Mapping[str, Verb]
    private: frozenset[tuple[str, int, int]]


def profile(options: frozenset[str], private: tuple[Private, ...] = ()) -> Profile:
    """Join the Basic Profile with options.

    Raises:
        ValueError: An option is not carried out by this release.
    """
    unknown = sorted(options - CODES.keys())
    if unknown:
        raise ValueError(f"not carried out by this release: {', '.join(unknown)}")
    time = _time(options)
    verbs = {**basic(), **_IDENTITY}
    for tag in verbs.keys() - _BIRTH:
        verbs[tag] = time.get(standard_vr(tag), verbs[tag])
    if "retain-patient-characteristics" in options:
        verbs.update(_CHARACTERISTICS)
    if "clean-descriptors" in options:
        verbs.update(dict.fromkeys(CLEANED, Verb.WORDS))
    kept = {(one.creator, one.group, one.element) for one in private}
    return Profile(options, verbs, time, frozenset(kept))


def _time(options: frozenset[str]) -> dict[str, Verb]:
    """Return what the options say of dates and times; they stay as the table says without one."""
    if "retain-longitudinal-full-dates" in options:
        return dict.fromkeys(("DA", "DT", "TM"), Verb.KEEP)
    if "retain-longitudinal-modified-dates" in options:
        return {"DA": Verb.SHIFT, "DT": Verb.SHIFT, "TM": Verb.KEEP}
    return {}


@cache
def table() -> dict[str, str]:
    """Return the table as it stands in the file: tag in DICOM's notation, action."""
    text = (Path(__file__).parent / "basic-profile.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {tag: action for tag, action, _ in rows}


def basic() -> dict[int, Verb]:
    """Return the Basic Profile by tag; repeating groups are settled by `repeats`."""
    return {
        int(tag.replace(",", ""), 16): _VERBS[action]
        for tag, action in table().items()
        if "x" not in tag
    }


def repeats(tag: int) -> bool:
    """Whether a tag is of a curve or an overlay: the table removes what is drawn, we all of it."""
    return tag >> 24 in {_CURVES, _OVERLAYS}
