"""What may not leave the intake, each with its reason, and no reason with patient data."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    BasicTextSRStorage,
    DeflatedExplicitVRLittleEndian,
    EncapsulatedPDFStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    SecondaryCaptureImageStorage,
)

from cairn_intake.refusals import REASONS, Refused
from cairn_intake.settings import Blank
from intake.phantoms import cleaned, deidentifier, slice_of_ct, written

WHOLE = written(slice_of_ct())
RULE = Blank("US", "Example", "Sono 1", 8, 8, ((0, 0, 8, 2), (6, 6, 9, 9)))


def reason(raw: bytes, *options: str, **how: Any) -> str:  # noqa: ANN401
    with pytest.raises(Refused) as refused:
        deidentifier(*options, **how)(memoryview(raw))
    return refused.value.reason


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(b"", "not-dicom", id="nothing"),
        pytest.param(b"\x89PNG" * 60, "not-dicom", id="a picture"),
        pytest.param(WHOLE[:-1], "truncated", id="a byte short"),
        pytest.param(WHOLE[:-136], "truncated", id="no pixels"),
        pytest.param(WHOLE[:770], "truncated", id="half a header"),
        pytest.param(
            WHOLE.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.2\0"),
            "unreadable",
            id="big endian",
        ),
        pytest.param(
            WHOLE.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0"),
            "unreadable",
            id="another syntax than it says",
        ),
    ],
)
def test_bytes_that_are_no_image_are_refused(raw: bytes, expected: str) -> None:
    assert reason(raw) == expected


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ({"PatientID": None}, "no-patient-id"),
        ({"PatientID": ""}, "no-patient-id"),
        ({"PatientID": "  "}, "no-patient-id"),
        ({"PatientID": "A\x07B"}, "bad-patient-id"),
        ({"PatientID": "A\nB"}, "bad-patient-id"),
        ({"StudyInstanceUID": None}, "no-identity"),
        ({"BurnedInAnnotation": "YES"}, "burned-in"),
        ({"Modality": "US"}, "burned-in"),
        ({"Modality": "OT"}, "burned-in"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "burned-in"),
        ({"SOPClassUID": SecondaryCaptureImageStorage}, "burned-in"),
        ({"SOPClassUID": BasicTextSRStorage, "Modality": "SR"}, "document"),
        ({"SOPClassUID": EncapsulatedPDFStorage, "Modality": "DOC"}, "document"),
        ({"Rows": 9}, "truncated"),
    ],
    ids=str,
)
def test_an_image_that_may_not_leave_is_refused(wishes: dict[str, Any], expected: str) -> None:
    assert reason(written(slice_of_ct(**wishes))) == expected


def test_an_xa_run_that_says_nothing_of_burned_in_text_may_leave() -> None:
    assert cleaned(slice_of_ct(Modality="XA"))
    assert reason(written(slice_of_ct(Modality="XA", BurnedInAnnotation="YES"))) == "burned-in"


def test_an_instance_that_is_called_otherwise_inside_is_refused() -> None:
    image = slice_of_ct(SOPInstanceUID="1.2.3.4.1")
    raw = written(image)
    assert reason(raw.replace(b"1.2.3.4.1\0", b"1.2.3.4.2\0", 1)) == "unreadable"


def test_sequences_without_end_are_refused() -> None:
    image = inner = slice_of_ct()
    for _ in range(20):
        deeper = slice_of_ct(PixelData=None)
        inner.SharedFunctionalGroupsSequence = Sequence([deeper])
        inner = deeper
    assert reason(written(image)) == "too-deep"


def ultrasound(**wishes: Any) -> bytes:  # noqa: ANN401
    return written(
        slice_of_ct(
            **{
                "Modality": "US",
                "Manufacturer": "Example",
                "ManufacturerModelName": "Sono 1",
                "PixelData": b"\xff" * 128,
                **wishes,
            }
        )
    )


def test_a_rule_for_its_device_lets_an_image_leave_with_its_text_blanked() -> None:
    clean = deidentifier("clean-pixel-data", rules=(RULE,))(memoryview(ultrasound()))
    after = dcmread(io.BytesIO(b"".join(bytes(part) for part in clean.parts)))
    rows = [after.PixelData[row * 16 : row * 16 + 16] for row in range(8)]
    assert rows[0] == rows[1] == bytes(16)
    assert rows[2] == b"\xff" * 16
    assert rows[7] == b"\xff" * 12 + bytes(4)
    assert after.BurnedInAnnotation == "NO"


@pytest.mark.parametrize(
    ("wishes", "options", "expected"),
    [
        ({"ManufacturerModelName": "Sono 2"}, ("clean-pixel-data",), "burned-in"),
        ({"Rows": 4}, ("clean-pixel-data",), "burned-in"),
        ({}, (), "burned-in"),
        ({"PhotometricInterpretation": "YBR_FULL"}, ("clean-pixel-data",), "cannot-blank"),
        (
            {"NumberOfFrames": "2", "PixelData": b"\xff" * 300},
            ("clean-pixel-data",),
            "cannot-blank",
        ),
    ],
    ids=str,
)
def test_a_rule_that_does_not_fit_holds_the_image_back(
    wishes: dict[str, Any], options: tuple[str, ...], expected: str
) -> None:
    assert reason(ultrasound(**wishes), *options, rules=(RULE,)) == expected


def test_compressed_pixels_pass_whole_and_cut_ones_do_not() -> None:
    image = slice_of_ct(PixelData=encapsulate([b"\xff\xd8" + bytes(60) + b"\xff\xd9"]))
    image["PixelData"].is_undefined_length = True
    raw = written(image, JPEGBaseline8Bit)
    clean = deidentifier()(memoryview(raw))
    assert bytes(clean.parts[1]) == raw[-len(clean.parts[1]) :]
    assert reason(raw[:-8]) == "truncated"
    assert reason(raw[:-20]) == "truncated"


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian], ids=str)
def test_a_transfer_syntax_that_nobody_agreed_on_is_refused(syntax: Any) -> None:  # noqa: ANN401
    raw = WHOLE.replace(b"1.2.840.10008.1.2.1\0", f"{syntax}\0".encode()[:20].ljust(20, b"\0"), 1)
    assert reason(raw) in {"unreadable", "truncated"}


def test_both_uncompressed_syntaxes_are_read() -> None:
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        assert deidentifier()(memoryview(written(slice_of_ct(), syntax))).size > 128


def test_no_reason_can_hold_patient_data() -> None:
    assert all("{" not in sentence and "%" not in sentence for sentence in REASONS.values())
    assert str(Refused("burned-in")).startswith("burned-in: ")
