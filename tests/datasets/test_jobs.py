"""What is asked of a host: declared data sets, living permits, and cohorts of no one person."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from cairn.datasets import jobs
from cairn.errors import Misuse, PlanRefused
from policies.specimens import document

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 25)
TWO = [{"name": name, "description": "Made for tests"} for name in ("lung-ct", "breast-mr")]


def job(folder: Path, **how: Any) -> jobs.Job:  # noqa: ANN401 - any word of the verb
    """Return a job of the hospital that passes every check; `spec` changes its spec."""
    papers = document(folder, "data-provider", **how.pop("spec", {}))
    words = {"dataset": None, "query": ["Modality=CT"], "permit": "TEST-2026-1"}
    return jobs.freeze(papers, **{**words, "anew": False, "today": TODAY, **how})


def test_a_job_names_cohort_permit_and_profile(tmp_path: Path) -> None:
    made = job(tmp_path, query=["Modality=CT", "StudyDate=20200101-20211231"])
    assert made["dataset"] == "lung-ct"
    assert made["query"] == {"Modality": "CT", "StudyDate": "20200101-20211231"}
    assert made["permit"] == {"id": "TEST-2026-1", "expires": "2027-06-30"}
    assert made["deidentification"]["options"] == [
        "clean-pixel-data",
        "retain-longitudinal-modified-dates",
    ]
    assert made["least"] == 10


@pytest.mark.parametrize("day", [date(2027, 6, 30), date(2027, 7, 1)])
def test_a_permit_is_valid_to_the_end_of_its_last_day(tmp_path: Path, day: date) -> None:
    if day == date(2027, 6, 30):
        assert job(tmp_path, today=day)
        return
    with pytest.raises(PlanRefused, match="permit TEST-2026-1 ended on 2027-06-30"):
        job(tmp_path, today=day)


def test_a_permit_is_for_the_data_sets_that_it_lists(tmp_path: Path) -> None:
    with pytest.raises(PlanRefused, match="is for lung-ct, not for breast-mr"):
        job(tmp_path, spec={"datasets": TWO}, dataset="breast-mr")


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"permit": "TEST-9"}, "has no permit `TEST-9`; declared: TEST-2026-1"),
        ({"dataset": "bones"}, "has no data set `bones`; declared: lung-ct"),
        ({"query": []}, "a cohort needs a query"),
        ({"query": ["PatientID=P1"]}, "`PatientID` cannot be asked by"),
        ({"query": ["PatientName=X"]}, "`PatientName` cannot be asked by"),
        ({"query": ["Modality"]}, "`Modality` cannot be asked by; use KEY=VALUE"),
        ({"query": ["Modality=CT", "Modality=MR"]}, "Modality is asked twice"),
        ({"query": ["Modality="]}, "is no value of Modality"),
        ({"query": ["Modality=*"]}, "is no value of Modality"),
        ({"query": ["Modality=C\nT"]}, "is no value of Modality"),
        ({"query": ["StudyDate=2020"]}, "write it as in StudyDate=20200101-20211231"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_remedy(
    tmp_path: Path, how: dict[str, object], told: str
) -> None:
    with pytest.raises(Misuse) as refused:
        job(tmp_path, **how)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "query",
    ["StudyDate=20200101-", "StudyDate=-20211231", "Modality=CT\\MR", "Manufacturer=*Acme*"],
)
def test_ranges_lists_and_wildcards_of_dicom_are_understood(tmp_path: Path, query: str) -> None:
    key, value = query.split("=")
    assert job(tmp_path, query=[query])["query"] == {key: value}


def test_of_several_data_sets_one_must_be_named(tmp_path: Path) -> None:
    papers = document(tmp_path, "data-provider", datasets=TWO)
    with pytest.raises(Misuse, match="say with --dataset which one: lung-ct, breast-mr"):
        jobs.about(papers, "show", None)


def test_a_node_without_archive_or_storage_is_told_so(tmp_path: Path) -> None:
    assert jobs.host_of(document(tmp_path, "data-provider")).name == "imaging-1"
    with pytest.raises(Misuse, match="no host that runs both `pacs` and `storage`"):
        jobs.host_of(document(tmp_path, "data-provider", **{"hosts.0.runs": ["pacs"]}))
    with pytest.raises(Misuse, match="is a hub node"):
        jobs.every(document(tmp_path, "hub"), "list")


COPIES = {
    "datasets": [
        {**TWO[0], "copies": [{"to": "big-machine", "at": "10.60.0.9", "until": "2027-03-31"}]}
    ]
}


def lent(folder: Path, **how: Any) -> jobs.Job:  # noqa: ANN401 - any word of the verb
    """Return a job that lends to the one compute node that the spec names."""
    papers = document(folder, "data-provider", **COPIES)
    words = {
        "dataset": "lung-ct",
        "version": None,
        "to": "big-machine",
        "by": "dpo@hospital.example",
    }
    return jobs.lend(papers, **{**words, "today": TODAY, **how})


def test_a_lending_names_node_version_and_person(tmp_path: Path) -> None:
    made = lent(tmp_path, version=2)
    assert (made["verb"], made["dataset"], made["version"]) == ("lend", "lung-ct", 2)
    assert (made["to"], made["by"]) == ("big-machine", "dpo@hospital.example")


def test_a_data_set_is_lent_to_nobody_whom_the_spec_does_not_name(tmp_path: Path) -> None:
    with pytest.raises(PlanRefused, match="lets big-machine have copies of lung-ct, not other"):
        lent(tmp_path, to="other")
    papers = document(tmp_path, "data-provider")
    with pytest.raises(PlanRefused, match="lets nobody have copies of lung-ct"):
        jobs.recall(papers, dataset="lung-ct", of="big-machine", by="dpo@hospital.example")


def test_a_consent_is_valid_to_the_end_of_its_last_day(tmp_path: Path) -> None:
    assert lent(tmp_path, today=date(2027, 3, 31))
    with pytest.raises(PlanRefused, match="ended on 2027-03-31"):
        lent(tmp_path, today=date(2027, 4, 1))


def test_who_lends_is_named_by_a_mail_address(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="is named by a mail address"):
        lent(tmp_path, by="the office")


def test_a_copy_is_taken_back_after_its_consent_as_well(tmp_path: Path) -> None:
    papers = document(tmp_path, "data-provider", **COPIES)
    made = jobs.recall(papers, dataset="lung-ct", of="big-machine", by="dpo@hospital.example")
    assert (made["verb"], made["to"]) == ("recall", "big-machine")
    assert jobs.copies(papers) == (("lung-ct", "big-machine"),)
