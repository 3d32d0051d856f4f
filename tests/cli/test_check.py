"""`cairn check` names everything that is wrong at once, and its exit code says how wrong."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from cairn.checks.verdicts import Finding, Judgement, Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]


def finding(verdict: Verdict, place: str = "") -> Finding:
    return Finding(
        check="SSH-002",
        title="SSH accepts keys only",
        severity=Severity.HIGH,
        verdict=verdict,
        target="imaging-1",
        place=place,
        message="passwords are accepted",
        remediation="Remove the drop-in.",
    )


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the policy checks answer with the verdicts given."""

    def answer(*verdicts: Verdict) -> None:
        found = Judgement("lyon", tuple(map(finding, verdicts)))
        monkeypatch.setattr("cairn.checks.engine.judge_spec", lambda _: found)
        monkeypatch.setattr("cairn.checks.engine.judge_plan", lambda *_: Judgement("lyon"))

    return answer


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.PASS, 0),
        (Verdict.WAIVED, 0),
        (Verdict.NOT_APPLICABLE, 0),
        (Verdict.MANUAL, 0),
        (Verdict.FAIL, 3),
        (Verdict.NOT_EVALUATED, 3),
    ],
)
def test_what_fails_or_could_not_be_looked_at_is_refused(
    run: Run, lyon: Path, judged: Callable[..., None], verdict: Verdict, code: int
) -> None:
    judged(Verdict.PASS, verdict)
    assert run("check", "lyon").exit_code == code


def test_a_failure_is_told_with_title_reason_and_remedy(
    run: Run, lyon: Path, judged: Callable[..., None]
) -> None:
    judged(Verdict.PASS, Verdict.FAIL)
    shown = run("check", "lyon").stdout
    assert "✗ lyon   1 pass, 1 fail" in shown
    assert "✗ fail  SSH-002  SSH accepts keys only (high)" in shown
    assert "imaging-1: passwords are accepted" in shown
    assert "Remedy: Remove the drop-in." in shown


def test_what_passed_is_counted_and_shown_when_asked_for(
    run: Run, lyon: Path, judged: Callable[..., None]
) -> None:
    judged(Verdict.PASS, Verdict.NOT_APPLICABLE)
    assert run("check", "lyon").stdout == "✓ lyon   1 pass, 1 not applicable\n"
    assert run("check", "lyon", "-v").stdout.count("SSH accepts keys only") == 2


def test_the_real_catalogue_judges_a_new_node(run: Run, lyon: Path) -> None:
    result = run("check", "lyon", "--format", "json")
    (node,) = json.loads(result.stdout)["nodes"]
    assert result.exit_code == 3
    assert node["blocking"] > 0
    assert sum(node["counts"].values()) == len(node["findings"])
    assert node["problems"] == []


def test_a_spec_that_does_not_load_is_told_with_every_place(run: Run, lyon: Path) -> None:
    text = lyon.read_text().replace("kind:", "knd:").replace("stage: staging", "stage: stagig")
    lyon.write_text(text)
    result = run("check", "lyon")
    assert result.exit_code == 2
    assert len(re.findall(r"(?m)^\S*nodes/lyon\.yaml:\d+:\d+: ", result.stdout)) >= 1


def test_one_broken_spec_keeps_no_other_from_being_judged(
    run: Run, lyon: Path, judged: Callable[..., None]
) -> None:
    (lyon.parent / "broken.yaml").write_text("kind: [\n")
    judged(Verdict.FAIL)
    result = run("check")
    assert result.exit_code == 2
    assert "✗ broken\n" in result.stdout
    assert "✗ lyon   1 fail" in result.stdout


def test_two_nodes_that_claim_one_machine_are_both_told(run: Run, lyon: Path) -> None:
    (lyon.parent / "brno.yaml").write_text(lyon.read_text().replace("name: lyon", "name: brno"))
    result = run("check", "--all")
    assert result.exit_code == 2
    assert "a machine is one host" in result.stdout


def test_a_file_that_only_looks_like_a_spec_is_told(run: Run, lyon: Path) -> None:
    lyon.rename(lyon.with_suffix(".yml"))
    result = run("check")
    assert result.exit_code == 2
    assert "ends in `.yaml`" in result.stdout


def test_an_unknown_node_is_answered_with_the_one_meant(run: Run, lyon: Path) -> None:
    result = run("check", "lion")
    assert result.exit_code == 2
    assert "did you mean `lyon`?" in result.stderr


def test_names_and_all_exclude_each_other(run: Run, lyon: Path) -> None:
    assert run("check", "lyon", "--all").exit_code == 2


def test_nothing_to_check_is_no_success(run: Run, checkout: Path) -> None:
    result = run("check")
    assert result.exit_code == 2
    assert "cairn new" in result.stderr


def test_the_path_of_a_spec_is_understood_too(
    run: Run, lyon: Path, judged: Callable[..., None]
) -> None:
    judged(Verdict.PASS)
    assert run("check", "nodes/lyon.yaml").exit_code == 0
