"""Dated exceptions from checks, and which of them excused something."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cairn.checks import approvers
from cairn.checks.registry import Moment
from cairn.checks.verdicts import BLOCKING, Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from cairn.checks.approvers import Approver
    from cairn.checks.registry import Catalogue, Check
    from cairn.spec.legal import Waiver


@dataclass(slots=True)
class Waivers:
    """The waivers that one moment has to do with.

    A waiver counts for exactly one check on exactly one target: the host it names, or the node
    itself. It excuses nothing after its last day, nothing that cannot be waived, and nothing
    without the signature of an approver who did not ask for it.

    Attributes:
        node: Name of the node.
        hosts: Names of its hosts.
        declared: The waivers of the moment with the check of each; in the spec moment also those
            whose check is unknown (None) or of another moment, so that each is judged early.
        approvers: Who may approve them.
        used: The waivers that excused a finding so far.
    """

    node: str
    hosts: tuple[str, ...]
    moment: Moment
    today: date
    declared: tuple[tuple[Waiver, Check | None], ...]
    approvers: tuple[Approver, ...]
    used: list[Waiver] = field(default_factory=list)

    def excuse(self, finding: Finding) -> Finding:
        """Return the finding as waived if a waiver counts for it; its message is kept."""
        if finding.verdict not in BLOCKING:
            return finding
        for waiver, check in self.declared:
            if check is not None and self._excuses(waiver, check, finding):
                self.used.append(waiver)
                message = (
                    f"{finding.message} (waived until {waiver.expires} by "
                    f"{waiver.approved_by}: {waiver.reason})"
                )
                return replace(finding, verdict=Verdict.WAIVED, message=message)
        return finding

    def _excuses(self, waiver: Waiver, check: Check, finding: Finding) -> bool:
        meant = check.id == finding.check and (waiver.host or self.node) == finding.target
        counts = meant and check.waivable and waiver.expires >= self.today
        return counts and not self.approval_fault(waiver)

    def approval_fault(self, waiver: Waiver) -> str:
        """Return why a waiver is not approved; empty if it is."""
        return approvers.fault(self.approvers, self.node, waiver)

    def is_of_this_moment(self, check: Check | None) -> bool:
        """Whether a waiver of that check is used now or never."""
        return check is not None and check.moment in {self.moment, Moment.EVERY}


def of_moment(  # noqa: PLR0913 - the last three are keywords
    catalogue: Catalogue,
    waivers: Sequence[Waiver],
    moment: Moment,
    *,
    node: str,
    hosts: tuple[str, ...],
    today: date,
) -> Waivers:
    """Choose the waivers that a moment judges.

    The spec moment judges all of them; a later one those of its own checks. In the host moment
    `hosts` is the one host that is asked, and only waivers that name it are judged.
    """
    paired = tuple((waiver, catalogue.find(waiver.check)) for waiver in waivers)
    if moment is not Moment.SPEC:
        paired = tuple(
            (waiver, check)
            for waiver, check in paired
            if check is not None
            and check.moment is moment
            and (moment is not Moment.HOST or waiver.host in hosts)
        )
    return Waivers(node, hosts, moment, today, paired, catalogue.approvers)
