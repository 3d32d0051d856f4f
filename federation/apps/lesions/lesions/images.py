"""The images of a site: read, labelled and parted into those to learn from and those to test on.

The label is the fourth value of Image Type (0008,0008), LESION or NO_LESION. Images without one are
counted and left alone. A patient is either learned from or tested on, by a hash of the pseudonym,
so that the parts are the same in every run and wherever the images are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from pydicom import dcmread

from lesions.errors import Refused
from lesions.features import features

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom.dataset import FileDataset

LABELS: Final = {"LESION": 1.0, "NO_LESION": 0.0}
#: Where in Image Type it stands, from 0 on.
PLACE: Final = 3
#: Share of patients that is tested on.
TEST: Final = 0.3


@dataclass(frozen=True)
class Part:
    """Images to learn from, or to test on.

    Attributes:
        x: Features, an image a row.
        y: 1.0 where there is a lesion, 0.0 where there is none.
        patients: For each image the number of its patient, from 0 on.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    patients: NDArray[np.int64]

    @property
    def size(self) -> int:
        """How many images there are."""
        return len(self.y)


@dataclass(frozen=True)
class Cohort:
    """What a site has: images to learn from, images to test on, and how many have no label."""

    train: Part
    test: Part
    unlabelled: int


@lru_cache(maxsize=8)
def read(folders: tuple[Path, ...]) -> Cohort:
    """Read all images below some folders; nothing changes there while a run lasts.

    Raises:
        Refused: There is no labelled image, or one that cannot be read.
    """
    rows: list[tuple[str, NDArray[np.float64], float]] = []
    unlabelled = 0
    for path in sorted(path for folder in folders for path in folder.rglob("*.dcm")):
        image = _opened(path)
        kind = list(image.get("ImageType", ()))
        label = LABELS.get(str(kind[PLACE])) if len(kind) > PLACE else None
        if label is None:
            unlabelled += 1
        else:
            rows.append((str(image.get("PatientID", "")), features(_hounsfield(image)), label))
    if not rows:
        raise Refused(f"the data set has no labelled image ({unlabelled} without a label)")
    tested = [is_tested(patient) for patient, _, _ in rows]
    train = [row for row, test in zip(rows, tested, strict=True) if not test]
    test = [row for row, test in zip(rows, tested, strict=True) if test]
    if not train:
        raise Refused("the data set has no image to learn from")
    return Cohort(_part(train), _part(test), unlabelled)


def is_tested(patient: str) -> bool:
    """Whether the images of a patient are tested on, never learned from."""
    digest = hashlib.sha256(b"lesions/1 " + patient.encode()).digest()
    return int.from_bytes(digest[:4], "big") < TEST * 2**32


def manifest(folders: Sequence[Path]) -> str:
    """Return what stands for the data in a model's lineage: the digest of the manifest.

    Folders without `manifest.json` are no frozen data set. For them it is a digest over their
    images, and says so.
    """
    told = []
    for folder in folders:
        listed = folder / "manifest.json"
        if listed.is_file():
            told.append(f"sha256:{hashlib.sha256(listed.read_bytes()).hexdigest()}")
            continue
        files = sorted(hashlib.sha256(one.read_bytes()).digest() for one in folder.rglob("*.dcm"))
        told.append(f"images-sha256:{hashlib.sha256(b''.join(files)).hexdigest()}")
    return " ".join(told)


def _opened(path: Path) -> FileDataset:
    try:
        return dcmread(path)
    except Exception:  # noqa: BLE001 - whatever is wrong, the name of the file may name somebody
        raise Refused("an image of the data set cannot be read") from None


def _hounsfield(image: FileDataset) -> NDArray[np.float64]:
    try:
        stored = image.pixel_array
        slope, intercept = float(image.RescaleSlope), float(image.RescaleIntercept)
    except Exception:  # noqa: BLE001 - as above
        raise Refused("an image of the data set has no pixels in Hounsfield units") from None
    if stored.ndim != 2:  # noqa: PLR2004 - rows and columns
        raise Refused("an image of the data set is no single grey slice")
    return stored.astype(np.float64) * slope + intercept


def _part(rows: list[tuple[str, NDArray[np.float64], float]]) -> Part:
    if not rows:
        return Part(np.zeros((0, 0)), np.zeros(0), np.zeros(0, dtype=np.int64))
    names = sorted({patient for patient, _, _ in rows})
    number = {patient: index for index, patient in enumerate(names)}
    return Part(
        np.array([row for _, row, _ in rows]),
        np.array([label for _, _, label in rows]),
        np.array([number[patient] for patient, _, _ in rows], dtype=np.int64),
    )
