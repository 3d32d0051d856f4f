"""Tells what changed since somebody was last told: to the journal, and to the site's own hook."""

from __future__ import annotations

import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cairn.checks.verdicts import BLOCKING, Verdict
from cairn.errors import EvidenceRefused, Misuse
from cairn.evidence import canonical, compare, places, verify
from cairn.spec.references import value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cairn.evidence.model import Report
    from cairn.evidence.publish import Published

#: Names the report that was last told.
TOLD: Final = "told"
JOURNAL: Final = Path("/run/systemd/journal/socket")
#: Seconds that a hook has to answer.
PATIENCE_S: Final = 30
#: Priorities of the journal, syslog(3).
_ERROR, _WARNING, _NOTICE, _INFO = 3, 4, 5, 6
_PRIORITY: Final = {Verdict.FAIL: _ERROR, Verdict.NOT_EVALUATED: _WARNING}


@dataclass(frozen=True, slots=True)
class Changed:
    """A question whose verdict is another one than when somebody was last told.

    Attributes:
        asked: Name of the node or host.
        before: The verdict then; None if it was not asked.
        change: How it changed, as in a report.
    """

    check: str
    title: str
    asked: str
    before: Verdict | None
    now: Verdict
    change: str

    @property
    def told(self) -> str:
        """One line for a person."""
        was = f"{self.before} before" if self.before else "not asked before"
        return f"{self.asked}: {self.check} {self.title}: {self.now}, {was}"


def changes(report: Report, before: Report | None) -> tuple[Changed, ...]:
    """Return what is to be told: every other verdict, and new questions that are open."""
    known = compare.verdicts(before)
    titles = {check.id: check.title for check in report.checks}
    found = []
    for one in report.questions:
        was = known.get(compare.key(one))
        if was is one.verdict or (was is None and one.verdict not in BLOCKING):
            continue
        change = compare.change(was, one.verdict)
        title = titles[one.check]
        found.append(Changed(one.check, title, one.asked, was, one.verdict, change))
    return tuple(found)


def last_told(above: Path) -> Report | None:
    """Return the report that was last told, or None: nobody was, or it was put away or altered."""
    file = above / _told(above) / places.REPORT
    try:
        return verify.read(places.read(file), file)
    except EvidenceRefused:
        return None


def _told(above: Path) -> str:
    """Return the name of the folder of the report that was last told; empty if none was."""
    try:
        return (above / TOLD).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def remember(made: Published) -> None:
    """Note that this report was told."""
    file = made.folder.parent / TOLD
    draft = file.with_name(f".{TOLD}")
    draft.write_text(f"{made.folder.name}\n", encoding="utf-8")
    draft.replace(file)


def to_journal(made: Published, changed: Sequence[Changed]) -> bool:
    """Write one entry for each change and one for the run, with fields to search by.

    Returns:
        Whether this computer has a journal.
    """
    logger = shutil.which("logger")
    if logger is None or not JOURNAL.exists():
        return False
    node = made.report.node.name
    total = f"{node}: report {made.report.number}, {made.report.blocking} open, {made.digest}"
    entries = [
        (
            _PRIORITY.get(one.now, _NOTICE),
            one.told,
            {"CAIRN_CHECK": one.check, "CAIRN_ASKED": one.asked, "CAIRN_VERDICT": str(one.now)},
        )
        for one in changed
    ]
    for priority, message, fields in (*entries, (_INFO, total, {})):
        lines = {
            "MESSAGE": message,
            "PRIORITY": str(priority),
            "SYSLOG_IDENTIFIER": "cairn",
            "CAIRN_NODE": node,
            **fields,
        }
        text = "".join(f"{name}={value}\n" for name, value in lines.items())
        subprocess.run([logger, "--journald"], input=text, text=True, check=False)
    return True


def to_hook(reference: str, made: Published, changed: Sequence[Changed]) -> None:
    """Post the changes as JSON to the web address that a reference names.

    Nothing that a host answered is sent, only checks, who was asked, and verdicts.

    Raises:
        Misuse: The reference or the address will not do.
        EvidenceRefused: The hook did not take it; it is told again with the next run.
    """
    address = _address(reference)
    body = canonical.encode(
        {
            "cairn_watch": 1,
            "node": made.report.node.name,
            "report": made.report.number,
            "digest": made.digest,
            "open": made.report.blocking,
            "changes": [
                {
                    "check": one.check,
                    "title": one.title,
                    "asked": one.asked,
                    "before": one.before and str(one.before),
                    "now": str(one.now),
                    "change": one.change,
                }
                for one in changed
            ],
        }
    )
    head = {"Content-Type": "application/json", "User-Agent": "cairn"}
    request = urllib.request.Request(address, body, head, method="POST")  # noqa: S310 - see _address
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S):  # noqa: S310
            return
    except urllib.error.HTTPError as error:
        reason = f"it answered {error.code}"
    except (OSError, ValueError) as error:
        # The address may hold a token, and errors repeat it.
        cause = getattr(error, "reason", error)
        reason = getattr(cause, "strerror", None) or type(cause).__name__
    raise EvidenceRefused(
        f"the hook {reference} was not told: {reason}; the next run tells it again"
    )


def _address(reference: str) -> str:
    """Read the address of a hook: HTTPS, or HTTP to this computer itself."""
    try:
        address = value_of(reference).strip()
    except LookupError:
        raise Misuse(f"the address of the hook cannot be read from {reference}") from None
    try:
        parts = urllib.parse.urlsplit(address)
    except ValueError:
        parts = urllib.parse.urlsplit("")
    here = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if not parts.hostname or not (parts.scheme == "https" or here):
        raise Misuse(f"what {reference} holds is no https:// address; put the hook's there")
    return address


def put_away(above: Path, keep_days: int, now: datetime | None = None) -> tuple[Path, ...]:
    """Delete reports that are older than is kept, and return their folders.

    The newest one stays, and so does the one that was last told.
    """
    oldest = (now or datetime.now(UTC)) - timedelta(days=keep_days)
    name, told = places.name_of(oldest), _told(above)
    gone = tuple(one for one in places.reports(above)[:-1] if one.name < name and one.name != told)
    for one in gone:
        shutil.rmtree(one)
    return gone
