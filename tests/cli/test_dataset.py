"""What `cairn dataset` prints: counts and hashes, and no exit code that hides a finding."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cairn.cli.dataset import dataset
from cairn.datasets import desk

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a real host answered (shortened).
SHOWN: dict[str, Any] = {
    "dataset": "lung-ct",
    "version": 2,
    "frozen_at": "2026-11-25T23:18:02+00:00",
    "size": 590772,
    "objects": 66,
    "digest": f"sha256:{64 * '6'}",
    "query": {"BodyPartExamined": "CHEST", "Modality": "CT"},
    "permit": {"id": "DEMO-2026-0001", "expires": "2027-12-31"},
    "deidentification": {"profile": "basic", "options": ["clean-pixel-data"]},
    "withdrawals": [{"at": "2026-11-25T23:18:02+00:00", "formerly": f"sha256:{64 * '5'}"}],
    "summary": {
        "smallest_count": 10,
        "subjects": 11,
        "subjects_by": {"Modality": {"CT": 11}, "PatientSex": {"F": 11, "other": None}},
    },
}
FINE = {"missing": 0, "changed": 0, "unlisted": 0, "broken_chain": []}


def run(
    monkeypatch: pytest.MonkeyPatch, answer: Mapping[str, Any], *words: str, given: str = ""
) -> tuple[int, str, list[dict[str, Any]]]:
    """Run the verb with a host that gives this answer; return exit code, output and the jobs."""
    jobs: list[dict[str, Any]] = []

    def do(_: object, job: dict[str, Any], *__: object) -> Mapping[str, Any]:
        jobs.append(job)
        return answer

    monkeypatch.setattr(desk, "do", do)
    line = [words[0], "demo-hospital-a", *words[1:]]
    # As the group above says it; click keeps the first names of `--help` that a verb was given.
    ended = CliRunner().invoke(dataset, line, input=given, help_option_names=["-h", "--help"])
    return ended.exit_code, ended.output, jobs


def test_a_new_version_is_told_with_its_hash_and_permit(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("freeze", "--permit", "DEMO-2026-0001", "--query", "Modality=CT")
    code, told, (job,) = run(monkeypatch, {**SHOWN, "is_new": True}, *words)
    assert code == 0
    assert "lung-ct: version 2 is frozen, 66 objects, 0.6 MB" in told
    assert f"sha256:{64 * '6'}" in told
    assert (job["verb"], job["dataset"]) == ("freeze", "lung-ct")
    told = run(monkeypatch, {**SHOWN, "is_new": False}, *words)[1]
    assert told == "lung-ct: nothing changed since version 2\n"


def test_small_counts_are_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    told = run(monkeypatch, SHOWN, "show")[1]
    assert "F 11, other (fewer than 10)" in told
    assert "basic clean-pixel-data" in told


@pytest.mark.parametrize("wrong", [{"missing": 1}, {"changed": 1}, {"unlisted": 1}])
def test_what_differs_is_a_finding(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, int]) -> None:
    code, told, _ = run(monkeypatch, {**SHOWN, **FINE, **wrong}, "verify", "--version", "2")
    assert code == 5
    assert f"1 {next(iter(wrong))}" in told
    assert "/var/lib/cairn-freeze/work-lung-ct/differences.json" in told


def test_a_broken_chain_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    code, told, _ = run(monkeypatch, {**SHOWN, **FINE, "broken_chain": [2]}, "verify")
    assert code == 5
    assert "do not follow from one another at version 2" in told


def test_a_sound_version_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    code, told, _ = run(monkeypatch, {**SHOWN, **FINE}, "verify", "--format", "json")
    assert code == 0
    assert json.loads(told)["missing"] == 0


def test_a_withdrawal_is_asked_for_and_never_names_the_subject(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = {"left": [{"dataset": "lung-ct", "version": 2}], "looked_at": ["lung-ct"]}
    code, told, jobs = run(monkeypatch, left, "withdraw", "--subject", "-", given="P-77\nn\n")
    assert (code, jobs) == (1, [])
    code, told, jobs = run(monkeypatch, left, "withdraw", "--subject", "-", given="P-77\ny\n")
    assert (code, jobs[0]["subject"]) == (0, "P-77")
    assert "lung-ct: the subject left; version 2 is without" in told
    assert "P-77" not in told


def test_the_list_says_what_is_unfinished_and_what_is_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sets = [
        {"dataset": "lung-ct", "versions": [SHOWN], "is_unfinished": True},
        {"dataset": "breast-mr", "versions": [], "is_unfinished": False},
    ]
    told = run(monkeypatch, {"datasets": sets}, "list")[1]
    assert "lung-ct: a freeze was cut short" in told
    assert "breast-mr: nothing was frozen into it yet" in told


LENT = {**SHOWN, "to": "demo-compute", "until": "2027-06-30", "sent": 7, "bytes": 2_500_000}


def lend(monkeypatch: pytest.MonkeyPatch, answer: Mapping[str, Any], *words: str) -> str:
    """Run a verb about the copy of the hospital that lends; it must end well."""
    monkeypatch.setattr(desk, "do", lambda *_: answer)
    way = "--to" if words[0] == "lend" else "--from"
    line = [words[0], "demo-hospital-b", "mammography", way, "demo-compute", *words[1:]]
    line += ["--by", "dpo@hospital-b.example"]
    ended = CliRunner().invoke(dataset, line, help_option_names=["-h", "--help"])
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_what_was_lent_is_told_with_its_hash_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    told = lend(monkeypatch, {**LENT, "is_new": True}, "lend").splitlines()
    assert told[0] == "lung-ct: demo-compute holds version 2, 7 objects sent, 2.5 MB"
    assert told[1].endswith(SHOWN["digest"])
    assert told[3] == "  consent   until 2027-06-30, then demo-compute deletes it"
    again = lend(monkeypatch, {**LENT, "is_new": False}, "lend")
    assert "demo-compute holds version 2, as before" in again
    assert json.loads(lend(monkeypatch, LENT, "lend", "--format", "json")) == LENT


def test_a_copy_that_was_taken_back_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"dataset": "mammography", "to": "demo-compute", "was": {"version": 2}}
    assert "deleted its copy, version 2" in lend(monkeypatch, answer, "recall")
    assert "held no copy" in lend(monkeypatch, {**answer, "was": None}, "recall")
