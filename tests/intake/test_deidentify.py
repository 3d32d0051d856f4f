"""What leaves the intake: nothing that names a patient, and what belongs together together."""

from __future__ import annotations

import datetime as dt
import io
import struct

import pytest
from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as library
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian

from cairn_intake.profile import CODES, profile, table
from cairn_intake.refusals import Refused
from cairn_intake.settings import Private
from intake.phantoms import (
    DATE_MARK,
    MARK,
    NAME_MARK,
    NUMBER_MARK,
    UID_MARK,
    cleaned,
    deidentifier,
    joined,
    planted,
    slice_of_ct,
    written,
)

#: What the option of that name retains; these values are not searched for then.
CHARACTERISTICS = (0x00100040, 0x00101010, 0x00101020, 0x00101030, 0x00102160, 0x001021A0,
                   0x001021C0, 0x00102203)  # fmt: skip
ALL = tuple(name for name in CODES if name not in {"basic", "retain-longitudinal-full-dates"})


def read(raw: bytes) -> Dataset:
    return dcmread(io.BytesIO(raw))


@pytest.mark.parametrize("options", [(), ALL, ("clean-pixel-data",)], ids=["none", "all", "pixels"])
@pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
def test_no_byte_of_a_planted_identifier_leaves(options: tuple[str, ...], implicit: bool) -> None:  # noqa: FBT001
    syntax = {"syntax": ImplicitVRLittleEndian} if implicit else {}
    retained = CHARACTERISTICS if "retain-patient-characteristics" in options else ()
    raw = written(planted(*retained), **syntax)
    needles = (MARK, UID_MARK, DATE_MARK, str(NUMBER_MARK), NAME_MARK, "19610203")
    number = struct.pack("<H", NUMBER_MARK)
    out = joined(deidentifier(*options)(memoryview(raw)))
    assert all(needle.encode() in raw for needle in needles)
    assert [needle for needle in needles if needle.lower().encode() in out.lower()] == []
    assert number in raw
    assert number not in out
    assert read(out).PatientIdentityRemoved == "YES"


def test_the_table_is_the_one_of_the_standard() -> None:
    lists = {"D": "D", "Z": "Z", "X": "X", "U": "U", "Z/D": "Z_D", "X/Z": "X_Z", "X/D": "X_D",
             "X/Z/D": "X_Z_D", "X/Z/U*": "X_Z_U_STAR"}  # fmt: skip
    theirs = {
        (tag[0], tag[1]): action
        for action, name in lists.items()
        for tag in getattr(library, f"{name}_TAGS")
    }
    ours = {
        tuple(int(part.replace("x", "0"), 16) for part in tag.split(",")): action
        for tag, action in table().items()
    }
    assert ours == theirs
    assert len(ours) > 600


def test_one_patient_is_one_pseudonym_over_modalities_and_days() -> None:
    ct = read(cleaned(slice_of_ct()))
    mr = read(cleaned(slice_of_ct(Modality="MR", StudyDate="20260101", PatientID="HOSP-4711-X ")))
    other = read(cleaned(slice_of_ct(PatientID="HOSP-4711-Y")))
    assert ct.PatientID == mr.PatientID == ct.PatientName
    assert other.PatientID != ct.PatientID
    assert ct.StudyInstanceUID == mr.StudyInstanceUID != "1.2.3.4.5"


def test_another_key_gives_other_pseudonyms_uids_and_dates() -> None:
    option = "retain-longitudinal-modified-dates"
    ours, theirs = (read(cleaned(slice_of_ct(), option, key=key)) for key in (b"1" * 32, b"2" * 32))
    for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "StudyDate"):
        assert ours[keyword].value != theirs[keyword].value, keyword


def test_nothing_is_derived_without_a_key_of_full_length() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        deidentifier(key=b"short")


def test_the_time_between_two_scans_of_a_patient_stays() -> None:
    option = "retain-longitudinal-modified-dates"
    first = read(cleaned(slice_of_ct(StudyDate="20240228"), option))
    second = read(cleaned(slice_of_ct(StudyDate="20240301", Modality="MR"), option))
    assert first.StudyDate < "20240228"
    assert _day(second.StudyDate) - _day(first.StudyDate) == 2
    assert first.StudyTime == "101500"
    assert first.LongitudinalTemporalInformationModified == "MODIFIED"


def _day(text: str) -> int:
    return dt.datetime.strptime(text, "%Y%m%d").replace(tzinfo=dt.UTC).toordinal()


def test_references_between_images_hold_after_their_uids_changed() -> None:
    target = slice_of_ct()
    reference = Dataset()
    reference.ReferencedSOPClassUID = target.SOPClassUID
    reference.ReferencedSOPInstanceUID = target.SOPInstanceUID
    pointing = slice_of_ct(SourceImageSequence=Sequence([reference]))
    there, here = read(cleaned(target)), read(cleaned(pointing))
    item = here.SourceImageSequence[0]
    assert item.ReferencedSOPInstanceUID == there.SOPInstanceUID
    assert item.ReferencedSOPClassUID == target.SOPClassUID
    assert there.file_meta.MediaStorageSOPInstanceUID == there.SOPInstanceUID


def test_the_image_itself_is_kept_to_the_bit() -> None:
    before = slice_of_ct(PixelSpacing=[0.7, 0.7], RescaleIntercept="-1024", KVP="120.0")
    after = read(cleaned(before))
    assert after.PixelData == before.PixelData
    assert (after.PixelSpacing, after.RescaleIntercept, after.KVP) == ([0.7, 0.7], -1024, 120)
    assert after.BodyPartExamined == "CHEST"


def test_a_cleaned_image_says_what_was_done() -> None:
    after = read(cleaned(slice_of_ct(), *ALL))
    codes = [item.CodeValue for item in after.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113105", "113103", "113101", "113107", "113108", "113111"]
    assert after.PatientIdentityRemoved == "YES"
    assert "PS3.15" in after.DeidentificationMethod[1]


def test_an_option_that_is_not_carried_out_is_refused() -> None:
    with pytest.raises(ValueError, match="clean-recognizable-visual-features"):
        profile(frozenset({"clean-recognizable-visual-features"}))


@pytest.mark.parametrize(
    ("age", "kept"), [("063Y", "063Y"), ("093Y", "090Y"), ("011M", "011M"), ("old", "")]
)
def test_characteristics_stay_where_they_are_asked_for(age: str, kept: str) -> None:
    with_age = read(cleaned(slice_of_ct(PatientAge=age), "retain-patient-characteristics"))
    without = read(cleaned(slice_of_ct(PatientAge=age)))
    assert (with_age.get("PatientAge", ""), with_age.PatientSex) == (kept, "F")
    assert ("PatientAge" in without, without.PatientSex) == (False, "")


def test_descriptions_keep_only_words_that_name_nobody() -> None:
    text = "CT Thorax Dulcinea Quixotina 1.25mm ward 7B tel 600123456 20240310"
    with_words = read(cleaned(slice_of_ct(SeriesDescription=text), "clean-descriptors"))
    assert with_words.SeriesDescription == "CT Thorax 1.25mm"
    assert "SeriesDescription" not in read(cleaned(slice_of_ct(SeriesDescription=text)))


@pytest.mark.parametrize("keyword", ["Manufacturer", "SoftwareVersions", "SequenceName"])
def test_a_name_in_an_innocent_attribute_goes_with_it(keyword: str) -> None:
    after = cleaned(slice_of_ct(**{keyword: "for dulcinea"}))
    assert b"dulcinea" not in after.lower()


def test_private_attributes_stay_only_if_they_are_listed() -> None:
    image = slice_of_ct()
    block = image.private_block(0x0019, "EXAMPLE MR", create=True)
    block.add_new(0x0C, "IS", "1000")
    block.add_new(0x0D, "LO", "free text")
    listed = (Private("EXAMPLE MR", 0x0019, 0x0C),)
    after = read(cleaned(image, "retain-safe-private", private=listed))
    assert after.private_block(0x0019, "EXAMPLE MR")[0x0C].value == 1000
    assert [hex(one.tag) for one in after if one.tag.is_private] == ["0x190010", "0x19100c"]
    assert not any(one.tag.is_private for one in read(cleaned(image)))


def test_what_eucaim_asks_for_and_is_not_there_is_told() -> None:
    image = slice_of_ct(BodyPartExamined=None, Manufacturer=None)
    dates = "retain-longitudinal-modified-dates"
    clean = deidentifier(dates, "retain-patient-characteristics")(memoryview(written(image)))
    assert clean.missing == ("BodyPartExamined", "Manufacturer")


TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=16).filter(
    lambda text: not set(text) & set("\\^=,;*?") and not text.isdigit()
)


@given(
    identifier=TEXT, name=TEXT, where=st.sampled_from(["Manufacturer", "ProtocolName", "StudyID"])
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_no_identifier_of_any_patient_leaves(identifier: str, name: str, where: str) -> None:
    words = cleaned(slice_of_ct(), *ALL).lower()
    assume(not any(word.lower().encode() in words for word in (identifier, name)))
    image = slice_of_ct(PatientID=identifier, PatientName=f"{name}^A")
    setattr(image, where, f"{identifier} {name}")
    head = cleaned(image, *ALL)[:-140].lower()
    assert identifier.lower().encode() not in head
    assert name.lower().encode() not in head


@given(noise=st.binary(max_size=600), at=st.integers(0, 900), cut=st.integers(0, 400))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_bytes_are_refused_or_still_clean(noise: bytes, at: int, cut: int) -> None:
    raw = bytearray(written(slice_of_ct(SOPInstanceUID="1.2.3.99", PatientComments=MARK)))
    raw[at : at + len(noise)] = noise
    damaged = memoryview(bytes(raw[: len(raw) - cut]))
    try:
        out = joined(deidentifier()(damaged))
    except Refused as refused:
        out = str(refused).encode()
    assert b"quixotina" not in out.lower()
    assert MARK.encode() not in out[:700]
