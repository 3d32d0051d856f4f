"""Small de-identified images for an archive, and an archive and a storage to try them on."""

from __future__ import annotations

import hashlib
import io

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.10.1"


def image(subject: str, series: int, number: int, **tags: str) -> bytes:
    """Return one CT image; `tags` are DICOM keywords, an empty text takes one away."""
    study = f"{ROOT}.{int(hashlib.sha256(subject.encode()).hexdigest()[:8], 16)}"
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = CTImageStorage
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    words = {
        "PatientID": subject,
        "PatientName": subject,
        "PatientSex": "F",
        "PatientAge": "061Y",
        "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": "Basic Profile",
        "StudyInstanceUID": study,
        "SeriesInstanceUID": f"{study}.{series}",
        "SOPInstanceUID": f"{study}.{series}.{number}",
        "SOPClassUID": CTImageStorage,
        "Modality": "CT",
        "BodyPartExamined": "CHEST",
        "Manufacturer": "Example Scanners",
        "StudyDate": "20210301",
        **tags,
    }
    for word, value in words.items():
        if value:
            setattr(data, word, value)
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.InstanceNumber = number
    data.Rows = data.Columns = 64
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation, data.SamplesPerPixel = 15, 0, 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.PixelData = number.to_bytes(2, "little") * 64 * 64
    written = io.BytesIO()
    data.save_as(written, enforce_file_format=True)
    return written.getvalue()
