"""A cohort: the scans that a data set is made of, and where each image of them lies in it."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from cairn_freeze.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

#: A pseudonym becomes a folder; the first folder level also holds the manifests.
PSEUDONYM = re.compile(r"(?!manifests$)[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: DICOM PS3.5 section 9.1.
UID = re.compile(r"[0-9]+(\.[0-9]+)*")
LONGEST_UID = 64
#: DICOM PS3.5 table 6.2-1, VR CS, without spaces.
MODALITY = re.compile(r"[A-Z0-9_]{1,16}")


@dataclass(frozen=True, slots=True)
class Image:
    """One image: its number in the archive, its SOP instance UID and its size in bytes."""

    id: str
    uid: str
    size: int


@dataclass(frozen=True, slots=True)
class Scan:
    """One DICOM series of one subject.

    Attributes:
        subject: The pseudonym (PatientID).
        study: Study instance UID.
        series: Series instance UID.
        modality: As DICOM writes it.
        facts: What the summary counts: sex, age and the like, by DICOM keyword.
        images: Its images.
    """

    subject: str
    study: str
    series: str
    modality: str
    facts: Mapping[str, str] = field(default_factory=dict)
    images: tuple[Image, ...] = ()

    def key(self, image: Image) -> str:
        """Return where an image lies in the data set.

        EUCAIM's folders: `project/subject/experiment/{scan_id}_{type}/file`; the bucket is the
        project, the study the experiment, the series the scan and the modality its type.
        """
        return f"{self.subject}/{self.study}/{self.series}_{self.modality}/{image.uid}.dcm"

    @property
    def row(self) -> dict[str, Any]:
        """What a manifest keeps of it: all but the single images."""
        return {**asdict(self), "images": len(self.images)}

    @property
    def is_fit(self) -> bool:
        """Whether each part of its folders and files can be a name."""
        uids = (self.study, self.series, *(image.uid for image in self.images))
        return (
            PSEUDONYM.fullmatch(self.subject) is not None
            and MODALITY.fullmatch(self.modality) is not None
            and all(len(uid) <= LONGEST_UID and UID.fullmatch(uid) for uid in uids)
        )


def arranged(scans: Iterable[Scan], *, left: Callable[[str], bool]) -> tuple[Scan, ...]:
    """Return the scans of a cohort in the order of their keys, without subjects who left.

    Args:
        scans: What the archive found, in any order.
        left: Whether a subject has opted out.

    Raises:
        Refused: Nothing is left, something cannot be a name, or one image occurs twice.
    """
    every = [scan for scan in scans if not left(scan.subject)]
    if not any(scan.images for scan in every):
        raise Refused("the archive has no image that fits the query; look at the query again")
    unfit = sum(1 for scan in every if not scan.is_fit)
    if unfit:
        raise Refused(
            f"{unfit} series have a pseudonym, a modality or a UID that cannot be a name; "
            "send them through the intake again"
        )
    keys = [scan.key(image) for scan in every for image in scan.images]
    if len(keys) != len(set(keys)):
        raise Refused("the archive has an image twice in one series; send it through again")
    by_key = sorted(every, key=lambda scan: (scan.subject, scan.study, scan.series))
    return tuple(by_key)


def as_json(scans: Iterable[Scan]) -> list[dict[str, Any]]:
    """Return scans as JSON types."""
    return [asdict(scan) for scan in scans]


def from_json(rows: Iterable[Mapping[str, Any]]) -> tuple[Scan, ...]:
    """Return the scans that `as_json` wrote."""
    return tuple(
        Scan(**{**row, "images": tuple(Image(**image) for image in row["images"])}) for row in rows
    )
