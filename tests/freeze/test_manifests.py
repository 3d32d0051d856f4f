"""From a cohort to a manifest, whatever the cohort: nothing lost, nothing told of few subjects."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cairn_freeze import cohort, manifest
from cairn_freeze.cohort import Image, Scan
from cairn_freeze.freeze import named
from cairn_freeze.manifest import Entry
from cairn_freeze.refusal import Refused
from cairn_freeze.summary import OTHER, age_band, summary, suppressed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

AT = "2026-11-25T23:00:00+00:00"
LATER = "2026-12-01T08:00:00+00:00"
SUBJECTS = [f"P{number:03}" for number in range(30)]
VALUES = st.sampled_from(["CHEST", "BREAST", "", OTHER, "Acme"])


@st.composite
def cohorts(draw: st.DrawFn) -> tuple[Scan, ...]:
    """Return a cohort of up to forty scans of up to thirty subjects."""
    places = draw(st.lists(st.sampled_from(SUBJECTS), min_size=1, max_size=40))
    facts = st.fixed_dictionaries(
        {"BodyPartExamined": VALUES, "Manufacturer": VALUES, "PatientSex": st.sampled_from("FMO")}
    )
    return tuple(
        Scan(
            subject,
            f"1.2.{number % 7}",
            f"1.2.3.{number}",
            draw(st.sampled_from(["CT", "MR", "MG"])),
            draw(facts),
            tuple(Image(f"{number}-{one}", f"1.2.3.{number}.{one}", 10) for one in range(2)),
        )
        for number, subject in enumerate(places)
    )


def entry(scan: Scan, image: Image) -> Entry:
    return Entry(scan.key(image), image.size, hashlib.sha256(image.uid.encode()).hexdigest())


def version(scans: Sequence[Scan], *before: dict[str, Any], **grounds: object) -> dict[str, Any]:
    """Return the manifest of a cohort."""
    about = {
        "dataset": "lung-ct",
        "query": {"Modality": "CT"},
        "permit": {"id": "TEST-1"},
        "deidentification": {"profile": "basic"},
        "scans": [scan.row for scan in scans],
        "summary": summary([scan.row for scan in scans], least=5),
        **grounds,
    }
    rows = [entry(scan, image) for scan in scans for image in scan.images]
    return manifest.made(rows, about, before=before, at=AT)


def nobody(_: str) -> bool:
    return False


@given(cohorts())
def test_every_image_of_the_cohort_has_one_key_of_its_own(scans: tuple[Scan, ...]) -> None:
    made = version(cohort.arranged(scans, left=nobody))
    keys = [one["key"] for one in made["objects"]]
    assert len(set(keys)) == sum(len(scan.images) for scan in scans)
    assert keys == sorted(keys)
    assert all(key.count("/") == 3 for key in keys)


@given(cohorts(), st.randoms())
def test_the_order_in_which_the_archive_answers_changes_nothing(
    scans: tuple[Scan, ...], random: Random
) -> None:
    shuffled = list(scans)
    random.shuffle(shuffled)
    one, other = (version(cohort.arranged(each, left=nobody)) for each in (scans, shuffled))
    assert manifest.written(one) == manifest.written(other)


@given(cohorts())
def test_a_manifest_is_read_as_it_was_written(scans: tuple[Scan, ...]) -> None:
    made = version(scans)
    assert manifest.read(manifest.written(made)) == made
    with pytest.raises(Refused):
        manifest.read(manifest.written(made).replace(b'"version": 1', b'"version":  1'))


@given(cohorts())
def test_a_cohort_kept_on_disk_comes_back_the_same(scans: tuple[Scan, ...]) -> None:
    assert cohort.from_json(json.loads(json.dumps(cohort.as_json(scans)))) == scans


@given(cohorts(), st.sampled_from(SUBJECTS))
def test_who_withdraws_is_named_by_no_version_and_the_rest_is_untouched(
    scans: tuple[Scan, ...], subject: str
) -> None:
    made = version(scans)
    rest = manifest.without(made, subject, at=LATER)
    assert subject not in manifest.written(rest).decode()
    assert [one for one in made["objects"] if not one["key"].startswith(f"{subject}/")] == (
        rest["objects"]
    )
    assert rest["withdrawals"] == [{"at": LATER, "formerly": manifest.digest(made)}]
    others = [scan.row for scan in scans if scan.subject != subject]
    assert rest["summary"] == summary(others, least=5)


@given(cohorts(), st.sampled_from(SUBJECTS))
def test_who_has_left_is_in_no_later_cohort(scans: tuple[Scan, ...], subject: str) -> None:
    if {scan.subject for scan in scans} == {subject}:
        with pytest.raises(Refused, match="no image that fits"):
            cohort.arranged(scans, left=lambda one: one == subject)
        return
    found = cohort.arranged(scans, left=lambda one: one == subject)
    assert {scan.subject for scan in found} == {scan.subject for scan in scans} - {subject}


@given(cohorts())
def test_what_is_shown_names_no_subject_study_or_series(scans: tuple[Scan, ...]) -> None:
    told = json.dumps(manifest.shown(version(scans)))
    assert not [word for scan in scans for word in (scan.subject, scan.series) if word in told]


HOLDERS = st.dictionaries(
    st.sampled_from("ABCDEFGH"), st.sets(st.sampled_from(SUBJECTS), min_size=1), min_size=1
)


@settings(max_examples=500)
@given(HOLDERS, st.integers(1, 12))
def test_no_count_below_the_smallest_is_told(holders: dict[str, set[str]], least: int) -> None:
    rows = suppressed(holders, least)
    assert all(count is None or count >= least for count in rows.values())
    assert set(rows) <= {*holders, OTHER}


@settings(max_examples=500)
@given(
    st.dictionaries(st.sampled_from("ABCDEFGH"), st.integers(1, 9), min_size=1), st.integers(1, 12)
)
def test_no_count_below_the_smallest_is_had_by_subtraction(
    sizes: dict[str, int], least: int
) -> None:
    holders = {value: {f"{value}{n}" for n in range(size)} for value, size in sizes.items()}
    rows, total = suppressed(holders, least), sum(sizes.values())
    rest = total - sum(count or 0 for value, count in rows.items() if value != OTHER)
    assert rest == 0 or rest >= least or set(rows) == {OTHER}


@pytest.mark.parametrize(
    ("age", "band"),
    [("045Y", "40-49"), ("000Y", "0-9"), ("006M", "0-9"), ("103Y", "90+"), ("", "unknown"),
     ("45", "unknown"), ("-12Y", "unknown"), ("²3Y", "unknown")],
)  # fmt: skip
def test_ages_fall_into_bands(age: str, band: str) -> None:
    assert age_band(age) == band


@pytest.mark.parametrize(
    "changes",
    [{"subject": "../x"}, {"subject": ""}, {"subject": "manifests"}, {"subject": "a/b"},
     {"modality": "C T"}, {"study": "1..2"}, {"series": "1." * 40 + "1"}, {"subject": "P1\n"}],
)  # fmt: skip
def test_what_cannot_be_a_name_is_refused_without_naming_it(changes: dict[str, str]) -> None:
    words = {"subject": "P1", "study": "1.2", "series": "1.3", "modality": "CT", **changes}
    scan = Scan(**words, images=(Image("a", "1.4", 1),))
    with pytest.raises(Refused, match="1 series have a pseudonym") as refused:
        cohort.arranged([scan], left=nobody)
    assert all(value not in str(refused.value) for value in changes.values() if value.strip())


def test_other_bytes_under_a_known_name_get_a_name_of_their_own() -> None:
    old, new = Entry("P1/1/2_CT/3.dcm", 1, 64 * "a"), Entry("P1/1/2_CT/3.dcm", 1, 64 * "b")
    assert named(new, {}) == new
    assert named(old, {old.key: old.sha256}) == old
    assert named(new, {old.key: old.sha256}).key == f"P1/1/2_CT/3-{16 * 'b'}.dcm"


def test_the_same_objects_on_the_same_grounds_are_no_new_version() -> None:
    scans = (Scan("P1", "1.1", "1.2", "CT", {}, (Image("a", "1.3", 1),)),)
    first = version(scans)
    assert manifest.is_the_same(version(scans, first), first)
    assert not manifest.is_the_same(version(scans, first, permit={"id": "TEST-2"}), first)
