"""Made-up images for the tests: a slice of CT, and one with a mark in every attribute."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from pydicom import dcmwrite
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid

from cairn_intake.deidentify import TELLING, Clean, Deidentifier
from cairn_intake.profile import profile, table
from cairn_intake.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn_intake.settings import Blank, Private

KEY = b"a key of this test, 32 bytes long"
#: Stands in every planted text; no word of any standard.
MARK = "XQZVMARK"
#: Stands in the attributes that name the patient. Other marks are not looked for because of them.
NAME_MARK = "YQNAMEWK"
#: Part of every planted UID and date.
UID_MARK = "1.2.826.0.1.3680043.99.7654321"
DATE_MARK = "19611123"
NUMBER_MARK = 59_463


def slice_of_ct(**wishes: Any) -> Dataset:  # noqa: ANN401 - values of any attribute
    """Return a small slice; `wishes` are attributes by keyword, None takes one away."""
    dataset = Dataset()
    defaults: dict[str, Any] = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": generate_uid(),
        "StudyInstanceUID": "1.2.3.4.5",
        "SeriesInstanceUID": "1.2.3.4.5.6",
        "PatientID": "HOSP-4711-X",
        "PatientName": "Quixotina^Dulcinea",
        "PatientBirthDate": "19610203",
        "PatientSex": "F",
        "PatientAge": "063Y",
        "StudyDate": "20240310",
        "StudyTime": "101500",
        "AcquisitionDate": "20240310",
        "Modality": "CT",
        "Manufacturer": "Example Imaging",
        "BodyPartExamined": "CHEST",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "Rows": 8,
        "Columns": 8,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "PixelData": bytes(range(128)),
    }
    for keyword, value in {**defaults, **wishes}.items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset


def written(dataset: Dataset, syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """Return the bytes of a file of that data set."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CTImageStorage)
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3")
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = f"{UID_MARK}.1"
    meta.ImplementationVersionName = MARK
    meta.SourceApplicationEntityTitle = MARK
    dataset.file_meta = meta
    dataset.preamble = MARK.encode() * 16
    stream = io.BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def deidentifier(
    *options: str,
    key: bytes = KEY,
    private: tuple[Private, ...] = (),
    rules: tuple[Blank, ...] = (),
) -> Deidentifier:
    """Return what de-identifies on a node with those options."""
    return Deidentifier(profile(frozenset(options), private), Pseudonyms(key), rules)


def cleaned(dataset: Dataset, *options: str, **how: Any) -> bytes:  # noqa: ANN401
    """De-identify a data set and return the bytes that leave."""
    return joined(deidentifier(*options, **how)(memoryview(written(dataset))))


def joined(clean: Clean) -> bytes:
    """Return the bytes of an image that may leave."""
    return b"".join(bytes(part) for part in clean.parts)


def profile_tags() -> Iterator[int]:
    """Yield a tag for each row of the profile's table, outside command and file meta groups."""
    for name in table():
        tag = int(name.replace(",", "").replace("x", "0"), 16)
        if tag >> 16 >= 8:
            yield tag if "x" not in name else {0x5000_0000: 0x5000_3000}.get(tag, tag)


def marked(vr: str) -> object:  # noqa: PLR0911 - one line for each kind of value
    """Return a value with a mark that the output is searched for."""
    if vr == "UI":
        return f"{UID_MARK}.{abs(hash(vr)) % 1000}"
    if vr in {"DA", "DT"}:
        return DATE_MARK
    if vr == "TM":
        return "235913"
    if vr in {"US", "SS", "UL", "SL"}:
        return NUMBER_MARK if vr != "SS" else 31_463
    if vr in {"FL", "FD"}:
        return 59463.125
    if vr in {"DS", "IS"}:
        return str(NUMBER_MARK)
    if vr == "AS":
        return "091Y"
    if vr == "SQ":
        return Sequence([_nested()])
    return MARK if vr not in {"OB", "OW", "UN", "OB or OW"} else MARK.encode()


def _nested() -> Dataset:
    item = Dataset()
    item.PatientName = f"{MARK}^Nested"
    item.ReferencedSOPInstanceUID = f"{UID_MARK}.5"
    item.TextValue = MARK
    item.add_new(0x0009_0010, "LO", MARK)
    item.add_new(0x0009_1001, "LO", MARK)
    deeper = Dataset()
    deeper.PersonName = MARK
    deeper.InstitutionName = MARK
    deeper.StudyDate = DATE_MARK
    item.ConceptNameCodeSequence = Sequence([deeper])
    return item


def planted(*without: int) -> Dataset:
    """Return a slice with a mark in every attribute of the table, and in private and nested ones.

    Args:
        without: Attributes that are not planted, because an option retains them.
    """
    dataset = slice_of_ct(SOPInstanceUID=f"{UID_MARK}.9", PixelData=bytes(128))
    placed = {0x0008_0018, *TELLING, *without}
    for tag in profile_tags():
        if tag not in placed:
            vr = _vr(tag)
            dataset.add_new(tag, vr.split(" or ")[-1], marked(vr))
    for tag in TELLING:
        dataset.add_new(tag, _vr(tag), "19610203" if _vr(tag) == "DA" else NAME_MARK)
    dataset.add_new(0x0029_0010, "LO", "SIEMENS CSA HEADER")
    dataset.add_new(0x0029_1010, "OB", MARK.encode())
    dataset.add_new(0x0029_1020, "SQ", Sequence([_nested()]))
    dataset.add_new(0x0008_0006, "LO", MARK)  # no attribute of the standard
    dataset.RequestAttributesSequence = Sequence([_nested()])
    dataset.SharedFunctionalGroupsSequence = Sequence([_nested()])
    dataset.StudyID = MARK
    dataset.add_new(0xFFFC_FFFC, "OB", MARK.encode())
    return dataset


def _vr(tag: int) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "LO"
