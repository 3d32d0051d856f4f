"""Verifies a node: every check of every host, hosts side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from cairn.checks.engine import judge_host
from cairn.checks.host import EvidenceHost
from cairn.checks.verdicts import Judgement, join
from cairn.errors import VerifyFailed
from cairn.render.files import render_role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cairn.checks.host import Shell
    from cairn.plan.model import Plan, PlannedHost
    from cairn.spec.document import Document

#: Hosts that are asked at the same time; each costs a thread and an ssh process.
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Stands for a host that gave no connection; each question gets the reason for an answer."""

    reason: str

    def run(self, command: str) -> NoReturn:
        """Say why nothing can be asked."""
        del command
        raise VerifyFailed(self.reason) from None


def verify_node(
    document: Document,
    plan: Plan,
    connections: Mapping[str, Mapping[str, Any] | None],
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> Judgement:
    """Ask every host check of every host of a plan; as `verify_hosts`, all in one judgement."""
    return join(plan.node, verify_hosts(document, plan, connections, progress=progress).values())


def verify_hosts(
    document: Document,
    plan: Plan,
    connections: Mapping[str, Mapping[str, Any] | None],
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Judgement]:
    """Ask every host check of every host of a plan.

    Args:
        document: The loaded spec.
        plan: The plan, possibly of some of the hosts only.
        connections: How each host is reached; None for one that does not run.
        progress: Gets one line when a host is done.

    Returns:
        The judgement of each host, in the order of the plan. On a host that cannot be reached
        every check is not evaluated, with the reason.

    Raises:
        PolicyError: The catalogue is broken.
    """

    def ask(host: PlannedHost) -> Judgement:
        judged = verify_host(document, plan, host, connections.get(host.name))
        open_ = len(judged.blocking)
        progress(f"{host.name}: {len(judged.findings)} findings, {open_} open")
        return judged

    with ThreadPoolExecutor(min(AT_ONCE, max(1, len(plan.hosts)))) as pool:
        names = (host.name for host in plan.hosts)
        return dict(zip(names, pool.map(ask, plan.hosts), strict=True))


def verify_host(
    document: Document, plan: Plan, host: PlannedHost, connection: Mapping[str, Any] | None
) -> Judgement:
    """Ask every host check of one host; as `verify_node`."""
    from cairn.checks.connect import connected  # noqa: PLC0415 - testinfra takes 0.2 s to import

    rendered = {
        file.path: file for role in host.roles for file in render_role(plan.node, host, role)
    }
    with ExitStack() as stack:
        shell: Shell
        try:
            shell = stack.enter_context(connected(host.name, connection))
            EvidenceHost(host, rendered, shell).run("true")
        except VerifyFailed as error:
            shell = Unreachable(str(error))
        return judge_host(document, plan, host, EvidenceHost(host, rendered, shell))
