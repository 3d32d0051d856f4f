"""`cairn verify` prints one line for each expectation and is green only if all were looked at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cairn.checks.verdicts import Finding, Judgement, Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from click.testing import Result

    from cairn.plan.model import Plan
    from cairn.spec.document import Document

    Run = Callable[..., Result]


def finding(verdict: Verdict, message: str = "sshd says yes", number: int = 1) -> Finding:
    return Finding(
        check=f"SSH-00{number}",
        title="SSH accepts keys only",
        severity=Severity.HIGH,
        verdict=verdict,
        target="imaging-1",
        place="sshd -T",
        message=message,
        remediation="Remove the drop-in.",
    )


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Plan]]:
    """Let the hosts answer with the findings given; returns the plans that were asked about."""

    def plant(*findings: Finding) -> list[Plan]:
        asked: list[Plan] = []

        def verify_node(
            document: Document,
            plan: Plan,
            connections: Mapping[str, dict[str, str]],
            *,
            progress: Callable[[str], None],
        ) -> Judgement:
            assert connections["imaging-1"]["address"] == "10.20.0.12"
            asked.append(plan)
            progress("imaging-1: done")
            return Judgement(document.spec.name, findings)

        monkeypatch.setattr("cairn.checks.live.verify_node", verify_node)
        return asked

    return plant


def test_each_expectation_is_a_line(run: Run, lyon: Path, answer: Callable[..., None]) -> None:
    answer(finding(Verdict.PASS), finding(Verdict.NOT_APPLICABLE, "no clock", 2))
    result = run("verify", "lyon")
    assert result.exit_code == 0
    assert "✓ pass            SSH-001  SSH accepts keys only  sshd -T" in result.stdout
    assert "· not applicable  SSH-002" in result.stdout
    assert result.stdout.endswith("✓ lyon   1 pass, 1 not applicable\n")


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.NOT_EVALUATED])
def test_an_open_finding_ends_with_5_and_its_remedy(
    run: Run, lyon: Path, answer: Callable[..., None], verdict: Verdict
) -> None:
    answer(finding(Verdict.PASS), finding(verdict, number=2))
    result = run("verify", "lyon")
    assert result.exit_code == 5
    assert "sshd says yes" in result.stdout
    assert "Remedy: Remove the drop-in." in result.stdout


def test_a_host_that_is_not_there_is_one_line_and_not_forty(
    run: Run, lyon: Path, answer: Callable[..., None]
) -> None:
    answer(*(finding(Verdict.NOT_EVALUATED, "no answer", number) for number in range(5)))
    result = run("verify", "lyon")
    assert result.exit_code == 5
    assert result.stdout.count("no answer") == 1
    assert "none of 5 expectations could be asked" in result.stdout
    assert "5 not evaluated" in result.stdout


def test_nothing_asked_is_no_success(run: Run, lyon: Path, answer: Callable[..., None]) -> None:
    answer()
    result = run("verify", "lyon")
    assert result.exit_code == 3
    assert "nothing was verified" in result.stderr


def test_brief_leaves_out_what_is_well(run: Run, lyon: Path, answer: Callable[..., None]) -> None:
    answer(finding(Verdict.PASS))
    assert run("verify", "lyon", "--brief").stdout == "✓ lyon   1 pass\n"


def test_a_program_reads_findings_and_counts_that_add_up(
    run: Run, lyon: Path, answer: Callable[..., None]
) -> None:
    answer(finding(Verdict.PASS), finding(Verdict.FAIL, number=2))
    result = run("verify", "lyon", "--format", "json")
    told = json.loads(result.stdout)
    assert result.exit_code == 5
    assert sum(told["counts"].values()) == len(told["findings"]) == 2
    assert told["blocking"] == 1


def test_progress_stands_beside_the_answer(
    run: Run, lyon: Path, answer: Callable[..., None]
) -> None:
    answer(finding(Verdict.PASS))
    result = run("verify", "lyon", "--format", "json")
    assert result.stderr == "lyon: asking imaging-1\nimaging-1: done\n"


def test_only_the_host_asked_for_is_asked(
    run: Run, lyon: Path, answer: Callable[..., list[Plan]]
) -> None:
    text = lyon.read_text()
    first = text[text.index("  - name: imaging-1") : text.index("# People who may")]
    second = first.replace("imaging-1", "imaging-2").replace("10.20.0.12", "10.20.0.13")
    lyon.write_text(text.replace(first, f"{first.rstrip()}\n{second}"))
    plans = answer(finding(Verdict.PASS))
    assert run("verify", "lyon", "--host", "imaging-2").exit_code == 0
    assert [host.name for host in plans[0].hosts] == ["imaging-2"]
