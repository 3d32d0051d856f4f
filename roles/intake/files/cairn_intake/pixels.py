"""Text in the pixels: which images are suspected of it, and how a device's rectangles are blanked.

Nobody can see from the attributes whether a picture shows a name. So an image is held back when it
says so itself, or is of a kind that is known for it, unless a rule for its device says where
such text stands (DICOM PS3.15 E.3.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cairn_intake.refusals import Refused
from cairn_intake.values import number, text, value

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from cairn_intake.settings import Blank

#: Modalities whose pictures carry the patient's name as a rule, or show the patient.
SUSPECTED: Final = frozenset({"US", "IVUS", "OT", "SC", "ES", "XC", "GM", "SM", "OP", "HC", "DG"})
#: Modalities of objects whose content is text.
TEXTUAL: Final = frozenset({"SR", "DOC", "PR", "KO"})
#: Words of Image Type that say that a picture is of a screen.
SCREENS: Final = (b"SCREEN", b"CAPTURE")
#: Secondary captures, DICOM PS3.4 B.5.
SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
#: Structured reports, encapsulated documents and presentation states, DICOM PS3.4 B.5.
DOCUMENTS: Final = tuple(f"1.2.840.10008.5.1.4.1.1.{number}." for number in (11, 88, 104))
#: Radiotherapy plans and structures, registrations and waveforms, DICOM PS3.4 B.5.
WITHOUT_PIXELS: Final = tuple(f"1.2.840.10008.5.1.4.1.1.{number}." for number in (9, 66, 481))
UNCOMPRESSED: Final = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"})
#: Colours that zeros paint black; in the others zeros are green.
BLACK_IS_ZERO: Final = frozenset({"MONOCHROME2", "RGB"})

_IMAGE_TYPE: Final = 0x0008_0008
_CLASS: Final = 0x0008_0016
_MODALITY: Final = 0x0008_0060
_CONVERSION_TYPE: Final = 0x0008_0064
_MANUFACTURER: Final = 0x0008_0070
_MODEL: Final = 0x0008_1090
_SAMPLES: Final = 0x0028_0002
_PHOTOMETRIC: Final = 0x0028_0004
_PLANAR: Final = 0x0028_0006
_FRAMES: Final = 0x0028_0008
_ROWS: Final = 0x0028_0010
_COLUMNS: Final = 0x0028_0011
_ALLOCATED: Final = 0x0028_0100
_BURNED_IN: Final = 0x0028_0301


def is_document(dataset: Dataset) -> bool:
    """Whether an object is text rather than an image."""
    return text(dataset, _CLASS).startswith(DOCUMENTS) or text(dataset, _MODALITY) in TEXTUAL


def has_pixels(dataset: Dataset) -> bool:
    """Whether an object is one that has pixels, so that without them it is not whole."""
    return _ROWS in dataset or not text(dataset, _CLASS).startswith(WITHOUT_PIXELS)


def is_suspected(dataset: Dataset) -> bool:
    """Whether text may be burned into the pixels of an image."""
    kind = value(dataset, _IMAGE_TYPE).upper()
    return (
        value(dataset, _BURNED_IN).upper() == b"YES"
        or text(dataset, _MODALITY) in SUSPECTED
        or any(word in kind for word in SCREENS)
        or f"{text(dataset, _CLASS)}.".startswith(f"{SECONDARY_CAPTURE}.")
        or _CONVERSION_TYPE in dataset
    )


def rule_for(dataset: Dataset, rules: tuple[Blank, ...]) -> Blank | None:
    """Return the rule for the device that made an image, at the size of its pictures."""
    device = tuple(text(dataset, tag) for tag in (_MODALITY, _MANUFACTURER, _MODEL))
    for rule in rules:
        size = (rule.rows, rule.columns)
        if device == (rule.modality, rule.manufacturer, rule.model) and size == _size(dataset):
            return rule
    return None


def _size(dataset: Dataset) -> tuple[int, int] | None:
    try:
        return number(dataset, _ROWS), number(dataset, _COLUMNS)
    except ValueError:
        return None


def expected_bytes(dataset: Dataset) -> int | None:
    """Return how many bytes uncompressed pixels have, or None where the attributes do not say."""
    if value(dataset, _PHOTOMETRIC) == b"YBR_FULL_422":
        return None
    try:
        bits = number(dataset, _ALLOCATED) * number(dataset, _SAMPLES)
        pixels = number(dataset, _ROWS) * number(dataset, _COLUMNS) * _frames(dataset)
    except ValueError:
        return None
    return (pixels * bits + 7) // 8


def _frames(dataset: Dataset) -> int:
    return number(dataset, _FRAMES) if value(dataset, _FRAMES) else 1


def blank(dataset: Dataset, rule: Blank, syntax: str, pixels: bytearray) -> None:
    """Blank the rectangles of a rule in every frame, in place.

    Args:
        dataset: Tells the form of the pixels.
        rule: What is blanked.
        syntax: Transfer syntax; only uncompressed pixels can be blanked.
        pixels: Value of Pixel Data.

    Raises:
        Refused: The pixels are not of the form that rules are for.
    """
    if syntax not in UNCOMPRESSED or text(dataset, _PHOTOMETRIC) not in BLACK_IS_ZERO:
        raise Refused("cannot-blank")
    try:
        sample, samples = number(dataset, _ALLOCATED) // 8, number(dataset, _SAMPLES)
        planes = samples if samples > 1 and number(dataset, _PLANAR) == 1 else 1
        count = _frames(dataset) * planes
    except ValueError:
        raise Refused("cannot-blank") from None
    pixel = sample * samples // planes
    plane = pixel * rule.columns * rule.rows
    if not pixel or len(pixels) - count * plane not in {0, 1}:
        raise Refused("cannot-blank")
    for start in range(0, count * plane, plane):
        _blank_plane(rule, pixel, start, pixels)


def _blank_plane(rule: Blank, pixel: int, start: int, pixels: bytearray) -> None:
    """Blank the rectangles in one plane that begins at `start`; a pixel has `pixel` bytes."""
    for left, top, width, height in rule.rectangles:
        length = (min(left + width, rule.columns) - left) * pixel
        for line in range(top, min(top + height, rule.rows)):
            begin = start + (line * rule.columns + left) * pixel
            pixels[begin : begin + length] = bytes(length)
