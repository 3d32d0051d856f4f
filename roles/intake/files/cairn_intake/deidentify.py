"""From the bytes of an image to the bytes that may leave, or the reason why none may."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from pydicom import config, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from cairn_intake import file_meta, layout, marks, pixels
from cairn_intake.cleaning import Cleaner, Subject
from cairn_intake.refusals import Refused
from cairn_intake.values import decoded, is_cut, put, value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

    from cairn_intake.profile import Profile
    from cairn_intake.pseudonyms import Pseudonyms
    from cairn_intake.settings import Blank

#: What EUCAIM asks of every image (Data Holders Federation Handbook 5, minimum imaging tags).
MINIMUM: Final = {
    "PatientID": 0x0010_0020,
    "Modality": 0x0008_0060,
    "BodyPartExamined": 0x0018_0015,
    "Manufacturer": 0x0008_0070,
    "AcquisitionDate": 0x0008_0022,
    "PatientAge": 0x0010_1010,
}
_CLASS: Final = 0x0008_0016
_INSTANCE: Final = 0x0008_0018
_PATIENT_NAME: Final = 0x0010_0010
_PATIENT_ID: Final = 0x0010_0020
_BURNED_IN: Final = 0x0028_0301
#: Without these an instance has no place in an archive: class, instance, study, series.
_PLACE: Final = (_CLASS, _INSTANCE, 0x0020_000D, 0x0020_000E)
#: Names, birth date, numbers and addresses of the patient, wherever they may turn up again.
TELLING: Final = (
    _PATIENT_NAME, _PATIENT_ID, 0x0010_0030, 0x0010_1000, 0x0010_1001, 0x0010_1005, 0x0010_1060,
    0x0010_1040, 0x0010_2154, 0x0008_0050, 0x0038_0010,
)  # fmt: skip
#: Words shorter than this are too common to give anybody away.
_SHORTEST_TRACE: Final = 4

# The reader's warnings quote what they warn of, which may be a name.
config.settings.reading_validation_mode = config.IGNORE
config.settings.writing_validation_mode = config.IGNORE

Part = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Clean:
    """An image that may leave.

    Attributes:
        parts: Its bytes, one after the other.
        missing: What EUCAIM asks for and it does not have.
    """

    parts: tuple[Part, ...]
    missing: tuple[str, ...]

    @property
    def size(self) -> int:
        """Length in bytes."""
        return sum(len(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Deidentifier:
    """De-identifies the images of a node."""

    profile: Profile
    pseudonyms: Pseudonyms
    rules: tuple[Blank, ...] = ()

    def __call__(self, view: memoryview, stream: BinaryIO | None = None) -> Clean:
        """De-identify one file.

        Args:
            view: All of it, DICOM PS3.10 with preamble.
            stream: The same, to be read from.

        Raises:
            Refused: It may not leave.
        """
        stream = stream or io.BytesIO(view)
        try:
            return self._clean(view, stream)
        except Refused:
            raise
        # Whatever a hostile data set makes the reader stumble over, it must not stop the next one.
        except Exception:  # noqa: BLE001
            raise Refused("unreadable") from None

    def _clean(self, view: memoryview, stream: BinaryIO) -> Clean:
        dataset = _read(stream)
        syntax = dataset.file_meta.TransferSyntaxUID
        _require_syntax(dataset)
        if any(is_cut(element) for element in dataset.values()):
            raise Refused("truncated")
        _require_identity(dataset)
        subject = self._subject(dataset)
        tail, blanked = self._pixels(dataset, view, stream.tell())
        Cleaner(self.profile, self.pseudonyms, subject).clean(dataset)
        marks.leave(dataset, self.profile.options, implicit=syntax.is_implicit_VR)
        put(dataset, _PATIENT_NAME, "PN", subject.pseudonym)
        put(dataset, _PATIENT_ID, "LO", subject.pseudonym)
        if blanked:
            put(dataset, _BURNED_IN, "CS", b"NO")
        head = file_meta.head(value(dataset, _CLASS), value(dataset, _INSTANCE), syntax.encode())
        body = _written(dataset, implicit=syntax.is_implicit_VR)
        return Clean((head + body, *tail), tuple(_missing(dataset)))

    def _subject(self, dataset: Dataset) -> Subject:
        identifier = decoded(value(dataset, _PATIENT_ID))
        if not identifier:
            raise Refused("no-patient-id")
        if not identifier.isprintable() or "\\" in identifier:
            raise Refused("bad-patient-id")
        pseudonym = self.pseudonyms.patient(identifier).encode()
        return Subject(pseudonym, self.pseudonyms.days(identifier), tuple(set(_traces(dataset))))

    def _pixels(
        self, dataset: Dataset, view: memoryview, start: int
    ) -> tuple[tuple[Part, ...], bool]:
        """Return the element Pixel Data as it may leave, and whether something was blanked."""
        if pixels.is_document(dataset):
            raise Refused("document")
        rule = self._rule(dataset)
        if start >= len(view):
            if pixels.has_pixels(dataset):
                raise Refused("truncated")
            return (), False
        syntax = dataset.file_meta.TransferSyntaxUID
        begin, end, after = layout.pixel_span(view, start, implicit=syntax.is_implicit_VR)
        expected = None if syntax.is_compressed else pixels.expected_bytes(dataset)
        if expected is not None and end - begin < expected:
            raise Refused("truncated")
        if rule is None:
            return (view[start:after],), False
        blanked = bytearray(view[begin:end])
        pixels.blank(dataset, rule, str(syntax), blanked)
        return (view[start:begin], blanked), True

    def _rule(self, dataset: Dataset) -> Blank | None:
        if not pixels.is_suspected(dataset):
            return None
        cleaned = "clean-pixel-data" in self.profile.options
        rule = pixels.rule_for(dataset, self.rules) if cleaned else None
        if rule is None:
            raise Refused("burned-in")
        return rule


def _read(stream: BinaryIO) -> Dataset:
    """Read all that comes before the pixels, values undecoded.

    Raises:
        Refused: It is no DICOM, or ends too early.
    """
    try:
        return dcmread(stream, stop_before_pixels=True)
    except InvalidDicomError:
        raise Refused("not-dicom") from None
    except EOFError:
        raise Refused("truncated") from None


def _require_syntax(dataset: Dataset) -> None:
    """Refuse a syntax that is never agreed on, and a data set that is in another than it says.

    Raises:
        Refused: The reader would have to guess.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_little_endian or syntax.is_deflated:
        raise Refused("unreadable")
    first = next(iter(dataset.values()), None)
    if getattr(first, "is_implicit_VR", None) is not syntax.is_implicit_VR:
        raise Refused("unreadable")


def _require_identity(dataset: Dataset) -> None:
    """Refuse what has no place in the archive, or another name inside than outside.

    Raises:
        Refused: A UID is missing, or the one in the data set is not the one of the file.
    """
    if not all(value(dataset, tag) for tag in _PLACE):
        raise Refused("no-identity")
    outside = str(dataset.file_meta.get("MediaStorageSOPInstanceUID") or "")
    if value(dataset, _INSTANCE) != outside.encode():
        raise Refused("unreadable")


def _traces(dataset: Dataset) -> Iterator[bytes]:
    """Yield words that give the patient away: numbers and names, four letters or longer."""
    for tag in TELLING:
        text = value(dataset, tag).translate(bytes.maketrans(b"^=\\,;", b"     "))
        yield from (word.lower() for word in text.split() if len(word) >= _SHORTEST_TRACE)


def _written(dataset: Dataset, *, implicit: bool) -> bytes:
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = implicit, True
    write_dataset(stream, dataset)
    return stream.getvalue()


def _missing(dataset: Dataset) -> Iterator[str]:
    return (name for name, tag in MINIMUM.items() if not value(dataset, tag))
