"""Makes the next report of a node: built, told in every format, signed, put in its place."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cairn.errors import EvidenceRefused
from cairn.evidence import build, formats, places, statement, verify
from cairn.spec.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cairn.evidence.gather import Gathered
    from cairn.evidence.keys import SigningKey
    from cairn.evidence.model import Report


@dataclass(frozen=True, slots=True)
class Published:
    """A report in its place.

    Attributes:
        folder: Where it stands.
        files: Names of its files.
        signed: Whether a statement lies beside it.
    """

    folder: Path
    report: Report
    digest: str
    files: tuple[str, ...]
    signed: bool


def publish(
    gathered: Gathered, wanted: Sequence[str] = (), key: SigningKey | None = None
) -> Published:
    """Make the next report of a node.

    Args:
        gathered: What was asked.
        wanted: Names of formats (`formats.FORMATS`); all of them if empty.
        key: Signs the report; without it the report is not signed.

    Raises:
        PolicyError: It does not add up; nothing is written.
        EvidenceRefused: The report before it was altered.
        Misuse: It cannot be written.
    """
    above = places.folder_of(gathered.plan.node)
    above.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(above):
        made = build.build(gathered, before(above))
        files = {**made.files, **formats.render(made, wanted)}
        if key is not None:
            digests = {name: digest_of(content) for name, content in files.items()}
            signed = statement.sign(statement.of_report(made.report, digests), key)
            files[places.STATEMENT] = signed
        folder = above / folder_name(made.report)
        places.write(folder, files)
    digest = digest_of(made.files[places.REPORT])
    return Published(folder, made.report, digest, tuple(files), key is not None)


def before(above: Path) -> build.Before | None:
    """Return the newest report below a folder, or None.

    Raises:
        EvidenceRefused: It was altered.
    """
    folder = places.newest(above)
    if folder is None:
        return None
    file = folder / places.REPORT
    try:
        data = places.read(file)
        return build.Before(verify.read(data, file), digest_of(data))
    except EvidenceRefused as error:
        raise EvidenceRefused(
            f"{error}; put it back from your backup, because the next report names its digest"
        ) from error


def folder_name(report: Report) -> str:
    """Return the name of a report's folder: its time in the basic form of ISO 8601."""
    return report.made_at.replace("-", "").replace(":", "")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until nobody else writes a report of the node: two would both follow the same one."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
