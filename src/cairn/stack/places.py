"""Where the hosts of a node are and how they are reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cairn.errors import ApplyFailed
from cairn.plan.context import Place
from cairn.spec.hosts import ExistingMachine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cairn.spec.document import Document

#: The account that Cairn logs in as on a sandbox host.
SANDBOX_USER = "cairn"


def places(document: Document) -> Mapping[str, Place]:
    """Return where each host is; addresses of sandbox hosts are reserved once and then kept."""
    return {
        host.name: _place(document.spec.name, host.name, host.machine)
        for host in document.spec.hosts
    }


def _place(node: str, host: str, machine: ExistingMachine | str) -> Place:
    if isinstance(machine, ExistingMachine):
        return Place(address=machine.existing, user=machine.user)
    from cairn.sandbox import reservations  # noqa: PLC0415 - only nodes with sandbox hosts pay

    reservation = reservations.reserve(node, host)
    return Place(
        address=reservation.address,
        user=SANDBOX_USER,
        gateway=reservation.gateway,
        package_cache=reservation.package_cache,
    )


def connections(document: Document) -> Mapping[str, dict[str, Any] | None]:
    """Return how each host is reached now; None for a sandbox host that does not run."""
    return {
        host.name: existing_connection(host.machine)
        if isinstance(host.machine, ExistingMachine)
        else _running(document.spec.name, host.name)
        for host in document.spec.hosts
    }


def require_running(document: Document) -> None:
    """Refuse to ask a sandbox host that does not run.

    Raises:
        ApplyFailed: Names the hosts, and the verb that starts them.
    """
    node = document.spec.name
    down = [host for host, connection in connections(document).items() if connection is None]
    if down:
        verb = "does" if len(down) == 1 else "do"
        raise ApplyFailed(f"{node}: {', '.join(down)} {verb} not run; `cairn up {node}` starts it")


def existing_connection(machine: ExistingMachine) -> dict[str, Any]:
    """Return how an existing machine is reached; references to secrets stay references."""
    return {
        "local": machine.existing == "local",
        "address": machine.existing,
        "port": machine.port,
        "user": machine.user,
        "key_file": machine.key.removeprefix("file:") if machine.key else None,
        "host_key": machine.host_key,
        "become_password": machine.become_password,
    }


def _running(node: str, host: str) -> dict[str, Any] | None:
    from cairn import sandbox  # noqa: PLC0415 - only nodes with sandbox hosts pay for it

    found = sandbox.find(node, host)
    return dict(found.connection) if found else None
