"""`cairn report` writes, signs and verifies; each way to go wrong is one sentence and no report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
import pytest

from cairn.checks.engine import judge_host
from cairn.checks.host import EvidenceHost
from cairn.checks.live import Unreachable
from cairn.cli.report import report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from click.testing import Result

    from cairn.checks.verdicts import Judgement
    from cairn.plan.model import Plan
    from cairn.spec.document import Document

    Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no host be reached, and nobody wait for that."""

    def verify_hosts(
        document: Document, plan: Plan, _connections: Mapping[str, Any], **_: object
    ) -> dict[str, Judgement]:
        silent = Unreachable("imaging-1 cannot be reached")
        return {
            host.name: judge_host(document, plan, host, EvidenceHost(host, {}, silent))
            for host in plan.hosts
        }

    monkeypatch.setattr("cairn.checks.live.verify_hosts", verify_hosts)


def folder_of(home: Path, node: str = "lyon") -> Path:
    (found,) = (home / ".cairn" / "reports" / node).glob("2*")
    return found


def test_a_host_that_is_silent_is_in_the_report_and_open(run: Run, lyon: Path, home: Path) -> None:
    result = run("report", "lyon")
    assert result.exit_code == 5
    told = json.loads((folder_of(home) / "report.json").read_text())
    assert told["totals"]["verdicts"]["not-evaluated"] > 10
    assert f"{told['totals']['verdicts']['not-evaluated']} not evaluated" in result.stdout
    assert "It is not signed." in result.stderr


def test_files_are_for_their_owner_alone(run: Run, lyon: Path, home: Path) -> None:
    run("report", "lyon", "--format", "junit")
    folder = folder_of(home)
    assert {one.name for one in folder.iterdir()} == {
        "report.json", "evidence.zip", "spec.yaml", "plan.json", "report.junit.xml"
    }  # fmt: skip
    assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_signed_report_is_verified(run: Run, lyon: Path, home: Path, tmp_path: Path) -> None:
    made = run("report", "key", str(tmp_path / "reports.key"))
    assert made.exit_code == 0
    run("report", "lyon", "--key", f"file:{tmp_path}/reports.key")
    public = str(tmp_path / "reports.key.pub")
    folder = folder_of(home)
    for place in (folder, folder / "report.html", folder.parent):
        result = run("report", "verify", str(place), "--key", public)
        assert result.exit_code == 0
        assert "report 1 of lyon" in result.stdout
    assert "none is missing from 1 to 1" in result.stdout


def test_the_key_may_stand_in_the_environment(
    run: Run, lyon: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("report", "key", str(tmp_path / "reports.key"))
    monkeypatch.setenv("CAIRN_REPORT_KEY", f"file:{tmp_path}/reports.key")
    assert "not signed" not in run("report", "lyon").stderr
    assert (folder_of(home) / "statement.dsse.json").exists()


def test_an_altered_report_ends_with_5_and_no_pass(
    run: Run, lyon: Path, home: Path, tmp_path: Path
) -> None:
    run("report", "key", str(tmp_path / "reports.key"))
    run("report", "lyon", "--key", f"file:{tmp_path}/reports.key")
    page = folder_of(home) / "report.html"
    page.write_bytes(page.read_bytes() + b" ")
    key = str(tmp_path / "reports.key.pub")
    result = run("report", "verify", str(folder_of(home)), "--key", key)
    assert (result.exit_code, result.stdout) == (5, "")
    assert "report.html: is not the file that was signed" in result.stderr


def test_a_key_that_is_not_there_is_told_before_anybody_is_asked(
    run: Run, lyon: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cairn.checks.live.verify_hosts", None)
    result = run("report", "lyon", "--key", "file:/nowhere/reports.key")
    assert result.exit_code == 2
    assert result.stderr == "/nowhere/reports.key: cannot be read: No such file or directory\n"
    assert not (home / ".cairn" / "reports").exists()


def test_an_earlier_report_that_was_altered_is_told_before_anybody_is_asked(
    run: Run, lyon: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("report", "lyon", "--format", "junit")
    file = folder_of(home) / "report.json"
    file.write_bytes(file.read_bytes()[:-9])
    monkeypatch.setattr("cairn.checks.live.verify_hosts", None)
    result = run("report", "lyon")
    assert (result.exit_code, result.stdout) == (5, "")
    assert "cut short or altered; put it back from your backup" in result.stderr


def test_a_spec_that_does_not_load_makes_no_report(run: Run, lyon: Path, home: Path) -> None:
    lyon.write_text(lyon.read_text().replace("debian-13", "debian-9"))
    assert run("report", "lyon").exit_code == 2
    assert not (home / ".cairn" / "reports").exists()


def test_all_nodes_stand_on_one_page(run: Run, lyon: Path, home: Path) -> None:
    run("report", "lyon", "--format", "junit")
    (home / "nodes" / "other.yaml").write_text(lyon.read_text().replace("lyon", "other"))
    result = run("report", "--fleet")
    assert result.exit_code == 5
    assert "other   there is no report yet; `cairn report other` makes one" in result.stdout
    told = json.loads((folder_of(home, "_fleet") / "fleet.json").read_text())
    assert [one["name"] for one in told["nodes"]] == ["lyon", "other"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "Usage: "),
        (("lyon", "--fleet"), "give the name of a node, or --fleet"),
        (("--fleet", "--format", "sarif"), "--format is for the report of a node"),
        (("lyon", "--format", "pdf"), "'pdf' is not one of"),
        (("verify", "/nowhere", "--key", "x.pub"), "/nowhere: is not there"),
        (("verify", "/etc", "--key", "/nowhere/x.pub"), "/nowhere/x.pub: cannot be read"),
        (("verify", "/etc"), "Missing option '--key'"),
        (("key",), "Missing argument 'FILE'"),
    ],
)
def test_misuse_is_one_sentence(run: Run, lyon: Path, words: tuple[str, ...], why: str) -> None:
    result = run("report", *words)
    assert result.exit_code in {0 if not words else 2, 2, 5}
    assert why in result.output
    assert "Traceback" not in result.output


def test_the_shell_completes_nodes_and_verbs(lyon: Path) -> None:
    with click.Context(report, info_name="report") as context:
        for typed, found in {"ly": ["lyon"], "ve": ["verify"]}.items():
            assert [item.value for item in report.shell_complete(context, typed)] == found


def test_help_shows_options_and_verbs(run: Run) -> None:
    told = run("report", "--help").stdout
    for word in ("--fleet", "--format", "--key", "verify", "key  "):
        assert word in told
