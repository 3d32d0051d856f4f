"""Whether all reports of a node are there: each names the digest of the one before."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from cairn.errors import EvidenceRefused
from cairn.evidence import places, verify

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from cairn.evidence.verify import Proven


def reports(folder: Path, key: Ed25519PublicKey, *, since: int = 1) -> tuple[Proven, ...]:
    """Verify every report below a folder, and that none is missing between the first and the last.

    That the last one is really the newest no chain can show; compare its digest with the one that
    was told last time.

    Args:
        folder: The folder of all reports of one node.
        key: The key that signed them.
        since: Number of the first report that has to be there; earlier ones were put away.

    Raises:
        EvidenceRefused: A report does not hold, is missing, or is of another node.
    """
    folders = places.reports(folder)
    if not folders:
        raise EvidenceRefused(f"{folder}: there is no report in it")
    proven = sorted((verify.report(one, key) for one in folders), key=lambda one: one.report.number)
    proven = [one for one in proven if one.report.number >= since]
    _refuse_gaps(folder, proven, since)
    for earlier, later in pairwise(proven):
        _refuse_break(earlier, later)
    return tuple(proven)


def _refuse_gaps(folder: Path, proven: list[Proven], since: int) -> None:
    numbers = [one.report.number for one in proven]
    wanted = list(range(since, max(numbers, default=since) + 1))
    missing = [str(number) for number in wanted if number not in numbers]
    if missing:
        raise EvidenceRefused(f"{folder}: report {', '.join(missing)} is missing from the chain")
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    if twice:
        raise EvidenceRefused(f"{folder}: there are two reports with the number {twice[0]}")


def _refuse_break(earlier: Proven, later: Proven) -> None:
    before = later.report.previous
    if earlier.report.node.name != later.report.node.name:
        raise EvidenceRefused(
            f"{later.folder}: is about {later.report.node.name}, the one before about "
            f"{earlier.report.node.name}"
        )
    if before is None or before.digest != earlier.digest:
        raise EvidenceRefused(
            f"{later.folder}: does not follow from {earlier.folder}; one of them was exchanged"
        )
    if later.report.started_at < earlier.report.made_at:
        raise EvidenceRefused(f"{later.folder}: is older than the report that it follows")
