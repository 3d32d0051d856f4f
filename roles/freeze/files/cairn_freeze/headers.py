"""What an image says of itself, read from its own bytes and not from an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pydicom
from pydicom.errors import InvalidDicomError

from cairn_freeze.refusal import Refused

if TYPE_CHECKING:
    from typing import IO

    from cairn_freeze.cohort import Image, Scan

WORDS: Final = [
    "PatientID",
    "PatientIdentityRemoved",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
]


def refuse_another(file: IO[bytes], scan: Scan, image: Image) -> None:
    """Refuse an image that is not the expected one, or does not say that it is de-identified.

    Args:
        file: The DICOM file, at its beginning; it is left there.
        scan: The series that it should be of.
        image: The image that it should be.

    Raises:
        Refused: It is another one, no DICOM, or (0012,0062) is not `YES`.
    """
    try:
        found = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(WORDS))
    except (InvalidDicomError, ValueError, EOFError, NotImplementedError):
        raise Refused("the archive gave something that is no DICOM image; look into it") from None
    finally:
        file.seek(0)
    told = [str(found.get(word, "")).strip() for word in WORDS]
    if told[1] != "YES":
        raise Refused(
            "an image does not say that it is de-identified (0012,0062); it came into the archive "
            "past the intake: take it out, and look how"
        )
    if told != [scan.subject, "YES", image.uid, scan.series, scan.study]:
        raise Refused(
            "an image says another subject, study, series or UID than the archive's index; "
            "have Orthanc build its index anew (`/tools/reconstruct`)"
        )
