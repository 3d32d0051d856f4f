"""Makes phantoms: slices like CT, some with a lesion, that show nobody.

usage: .venv/bin/python tools/lesion_phantoms.py SITE FOLDER [IMAGES]

Each site has lesions, noise and a share of sick patients of its own, so that who learns from one
site alone misses what others see. The same site gets the same images at every run. They say what
they are: Quality Control Image (0028,0300) is YES, the patient is `Phantom^SITE`, and the fourth
value of Image Type (0008,0008) is LESION or NO_LESION, which de-identification keeps.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

if TYPE_CHECKING:
    from collections.abc import Iterator

SIDE = 64
#: Pixels are Hounsfield units and this much, so that none is negative.
OFFSET_HU = 1024
AIR_HU, TISSUE_HU, BONE_HU = -1000.0, 45.0, 420.0
#: A root of UIDs that nobody was given.
ROOT = "1.2.826.0.1.3680043.99.5."
#: Radius of the spine in pixels.
SPINE = 4
LABELS = ("NO_LESION", "LESION")


@dataclass(frozen=True)
class Recipe:
    """What the phantoms of a site look like.

    Attributes:
        sick: Share of images with a lesion.
        contrast_hu: Least and greatest difference of a lesion to the tissue around it.
        radius: Least and greatest radius of a lesion in pixels.
        noise_hu: Standard deviation of the noise.
    """

    sick: float
    contrast_hu: tuple[float, float]
    radius: tuple[float, float]
    noise_hu: float


#: Bright and small on a quiet scanner; dark and large on a noisy one; bright and large.
RECIPES = {
    "a": Recipe(0.5, (20, 40), (1.6, 2.6), 14),
    "b": Recipe(0.4, (-30, -16), (3.2, 5.5), 18),
    "c": Recipe(0.6, (15, 25), (3.0, 5.0), 12),
}


@dataclass(frozen=True)
class Phantom:
    """One image: its number at the site, its pixels in Hounsfield units, and whether it is sick."""

    number: int
    pixels: np.ndarray[Any, Any]
    sick: bool


def phantoms(site: str, count: int) -> Iterator[Phantom]:
    """Yield the first images of a site; more of them do not change the earlier ones."""
    recipe = RECIPES[site]
    for number in range(1, count + 1):
        seed = hashlib.sha256(f"{site}/{number}".encode()).digest()
        chance = np.random.default_rng(int.from_bytes(seed[:8], "big"))
        sick = bool(chance.random() < recipe.sick)
        yield Phantom(number, _pixels(recipe, chance, sick=sick), sick)


def write(site: str, folder: Path, count: int) -> list[Path]:
    """Write the first images of a site into a folder and return their files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for phantom in phantoms(site, count):
        path = folder / f"phantom-{site}-{phantom.number:04}.dcm"
        dcmwrite(path, dataset(site, phantom), enforce_file_format=True)
        paths.append(path)
    return paths


def dataset(site: str, phantom: Phantom) -> Dataset:
    """Return a phantom as an image of DICOM, with all that EUCAIM asks of one."""
    name = f"{site}.{phantom.number}"
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, _uid(name, "image")
    image.StudyInstanceUID, image.SeriesInstanceUID = _uid(name, "study"), _uid(name, "series")
    image.PatientName, image.PatientID = f"Phantom^{site}", f"PHANTOM-{site}-{phantom.number:04}"
    image.PatientBirthDate, image.PatientSex, image.PatientAge = "19600101", "O", "064Y"
    image.StudyDate, image.StudyTime, image.AccessionNumber = "20240310", "101500", ""
    image.AcquisitionDate, image.AcquisitionTime = "20240310", "101520"
    # Not the word of the name: de-identification takes values out that repeat it.
    image.Modality, image.Manufacturer = "CT", "Example Imaging"
    image.BodyPartExamined = "ABDOMEN"
    image.ImageType = ["DERIVED", "PRIMARY", "AXIAL", LABELS[phantom.sick]]
    image.QualityControlImage, image.InstanceNumber = "YES", 1
    image.ImageComments = "synthetic phantom, shows nobody"
    image.SliceThickness, image.PixelSpacing = "5.0", ["5.0", "5.0"]
    image.ImagePositionPatient, image.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = -OFFSET_HU, 1, "HU"
    image.Rows, image.Columns = phantom.pixels.shape
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    image.SamplesPerPixel, image.PixelRepresentation = 1, 0
    image.PhotometricInterpretation = "MONOCHROME2"
    stored = np.clip(np.rint(phantom.pixels + OFFSET_HU), 0, 4095)
    image.PixelData = stored.astype("<u2").tobytes()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return image


def _uid(*parts: str) -> str:
    return generate_uid(prefix=ROOT, entropy_srcs=["phantom", *parts])


def _pixels(recipe: Recipe, chance: np.random.Generator, *, sick: bool) -> np.ndarray[Any, Any]:
    """Return air, a body with a slow change of density, a spine, a lesion perhaps, and noise."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(float)
    centre = SIDE / 2 - 0.5 + chance.uniform(-1.5, 1.5, 2)
    high, wide = chance.uniform(22, 25), chance.uniform(27, 30)
    inside = ((rows - centre[0]) / high) ** 2 + ((columns - centre[1]) / wide) ** 2 <= 1
    slope = chance.uniform(-0.25, 0.25, 2)
    tissue = TISSUE_HU + slope[0] * (rows - centre[0]) + slope[1] * (columns - centre[1])
    spine = np.hypot(rows - centre[0] - 0.72 * high, columns - centre[1]) < SPINE
    body = np.where(spine, BONE_HU, tissue)
    if sick:
        angle, distance = chance.uniform(0, 2 * np.pi), np.sqrt(chance.uniform(0, 1))
        row = centre[0] - 4 + 0.48 * high * distance * np.sin(angle)
        column = centre[1] + 0.58 * wide * distance * np.cos(angle)
        away = np.hypot(rows - row, columns - column) / chance.uniform(*recipe.radius)
        body = body + chance.uniform(*recipe.contrast_hu) * np.clip(3 - 2 * away, 0, 1)
    noise = chance.normal(0, recipe.noise_hu, (SIDE, SIDE))
    return np.where(inside, body, AIR_HU) + noise


def main(site: str, folder: str, count: str = "80") -> None:
    """Write them and say how many are sick."""
    if site not in RECIPES:
        raise SystemExit(f"phantoms: no site `{site}`; there are {', '.join(RECIPES)}")
    paths = write(site, Path(folder), int(count))
    sick = sum(phantom.sick for phantom in phantoms(site, int(count)))
    sys.stdout.write(f"{len(paths)} phantoms of site {site}, {sick} with a lesion: {folder}\n")


if __name__ == "__main__":
    if len(sys.argv) not in {3, 4}:
        raise SystemExit("usage: tools/lesion_phantoms.py SITE FOLDER [IMAGES]")
    main(*sys.argv[1:])
