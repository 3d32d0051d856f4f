"""What changed is told once, to journal and hook, and again as long as the hook did not take it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from cairn.checks.verdicts import Verdict
from cairn.errors import EvidenceRefused, Misuse
from cairn.evidence import places, publish, watch
from evidence import samples

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cairn.evidence.publish import Published


class Hook:
    """A web server of the site that keeps what it is told."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.status = 204
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.got.append(json.loads(body))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/s3cret"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    found = Hook()
    monkeypatch.setenv("CAIRN_HOOK", found.address)
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(places, "folder_of", lambda node: tmp_path / "reports" / node)
    return tmp_path


def made(home: Path, day: int, *, sound: bool = True) -> Published:
    """Make the report of a day, on which passwords may be allowed."""
    more = {} if sound else {"tamper": samples.passwords_on}
    return publish.publish(samples.gathered(home, day=day, **more), ("sarif",))


def told(one: Published) -> list[tuple[str, str, Verdict | None, Verdict]]:
    before = watch.last_told(one.folder.parent)
    return [
        (each.check, each.change, each.before, each.now)
        for each in watch.changes(one.report, before)
    ]


def test_the_first_run_tells_what_is_open_and_nothing_else(home: Path) -> None:
    one = made(home, 0, sound=False)
    verdicts = {check: now for check, _, _, now in told(one)}
    assert verdicts["HST-01"] is Verdict.FAIL
    assert len(verdicts) == one.report.blocking < 5


def test_a_change_is_told_until_somebody_was_told(home: Path) -> None:
    watch.remember(made(home, 0))
    worse = [("HST-01", "worse", Verdict.PASS, Verdict.FAIL)]
    assert told(made(home, 1, sound=False)) == worse
    again = made(home, 2, sound=False)
    assert told(again) == worse
    watch.remember(again)
    assert told(made(home, 3, sound=False)) == []
    assert told(made(home, 4)) == [("HST-01", "better", Verdict.FAIL, Verdict.PASS)]


def test_a_report_that_was_told_and_is_gone_is_told_anew(home: Path) -> None:
    one = made(home, 0, sound=False)
    watch.remember(one)
    (one.folder / "report.json").write_text("{}")
    assert watch.last_told(one.folder.parent) is None


def test_the_hook_gets_verdicts_and_no_answer_of_a_host(home: Path, hook: Hook) -> None:
    one = made(home, 0, sound=False)
    watch.to_hook("env:CAIRN_HOOK", one, watch.changes(one.report, None))
    (body,) = hook.got
    changes = [one for one in body["changes"] if one["check"] == "HST-01"]
    assert (body["node"], body["report"], body["digest"]) == ("test-hospital", 1, one.digest)
    assert changes == [
        {
            "check": "HST-01",
            "title": "SSH takes keys only, and nobody logs in as root",
            "asked": "imaging-1",
            "before": None,
            "now": "fail",
            "change": "new",
        }
    ]


def test_a_hook_that_fails_is_told_without_its_address(home: Path, hook: Hook) -> None:
    one = made(home, 0)
    hook.status = 500
    with pytest.raises(EvidenceRefused, match="env:CAIRN_HOOK was not told: it answered 500"):
        watch.to_hook("env:CAIRN_HOOK", one, ())
    hook.server.shutdown()
    hook.server.server_close()
    with pytest.raises(EvidenceRefused, match="Connection refused") as refused:
        watch.to_hook("env:CAIRN_HOOK", one, ())
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    ["http://hook.example/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "x", "https://["],
)
def test_an_address_that_is_not_confidential_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("CAIRN_HOOK", address)
    one = made(home, 0)
    with pytest.raises(Misuse, match="env:CAIRN_HOOK holds is no https"):
        watch.to_hook("env:CAIRN_HOOK", one, ())


@pytest.mark.parametrize("reference", ["env:CAIRN_NOBODY", "file:/nowhere/hook"])
def test_a_reference_that_leads_nowhere_is_refused(home: Path, reference: str) -> None:
    one = made(home, 0)
    with pytest.raises(Misuse, match=f"cannot be read from {reference}"):
        watch.to_hook(reference, one, ())


def test_old_reports_are_put_away_but_for_the_newest_and_the_told_one(home: Path) -> None:
    first, second, third = (made(home, day) for day in (0, 1, 2))
    above = first.folder.parent
    watch.remember(second)
    later = samples.BEGUN + timedelta(days=400)
    assert watch.put_away(above, 450, later) == ()
    assert watch.put_away(above, 365, later) == (first.folder,)
    assert places.reports(above) == [second.folder, third.folder]


#: Takes the place of the journal in a namespace of its own, so that this computer's is not used.
LISTENER = """
import os, socket, subprocess, sys
subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
os.makedirs("/run/systemd/journal")
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind("/run/systemd/journal/socket")
from types import SimpleNamespace as Made
from cairn.checks.verdicts import Verdict
from cairn.evidence import watch
report = Made(node=Made(name="lyon"), number=7, blocking=1)
changed = watch.Changed("HST-01", "SSH takes keys only", "box", Verdict.PASS, Verdict.FAIL, "worse")
assert watch.to_journal(Made(report=report, digest="sha256:1"), [changed])
for _ in range(2):
    print(journal.recv(65536).decode().replace("\\n", ";"))
"""


@pytest.mark.sandbox
def test_the_journal_has_fields_to_search_by() -> None:
    words = ["/usr/bin/unshare", "--mount", "--propagation=private", sys.executable, "-c", LISTENER]
    first, last = subprocess.check_output(words, text=True).splitlines()
    for field in (
        "MESSAGE=box: HST-01 SSH takes keys only: fail, pass before",
        "PRIORITY=3",
        "CAIRN_NODE=lyon",
        "CAIRN_CHECK=HST-01",
        "SYSLOG_IDENTIFIER=cairn",
    ):
        assert f"{field};" in first
    assert "MESSAGE=lyon: report 7, 1 open, sha256:1;" in last


def test_a_computer_without_journal_is_told_apart(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "JOURNAL", home / "none")
    assert not watch.to_journal(made(home, 0), ())
