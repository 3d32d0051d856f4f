"""From a document to the plan of its node: a pure function, the same answer every time."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING

from cairn.plan.context import Context, Place
from cairn.plan.model import Plan, PlannedHost, PlannedRole
from cairn.spec.roles import applied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cairn.spec.document import Document
    from cairn.spec.hosts import Host
    from cairn.spec.node import Spec

#: Planned after all others, because it lets through what they declare.
LAST = "firewall"


def derive(document: Document, places: Mapping[str, Place]) -> Plan:
    """Derive the plan of a node.

    Args:
        document: The loaded spec.
        places: Where each host is, by the host's name.
    """
    spec = document.spec
    return Plan(
        node=spec.name,
        kind=spec.kind,
        stage=spec.stage,
        spec_digest=document.digest,
        hosts=tuple(_host(document, host, places[host.name]) for host in spec.hosts),
    )


def _host(document: Document, host: Host, place: Place) -> PlannedHost:
    wanted = applied(host.runs)
    ready = [name for name in wanted if _planner(name)]
    planned: dict[str, PlannedRole] = {}
    for name in sorted(ready, key=lambda each: each == LAST):
        others = tuple(planned.values()) if name == LAST else ()
        role = _role(name, Context(document, host, place, others))
        if role is not None:
            planned[name] = role
    return PlannedHost(
        name=host.name,
        os=host.os,
        address=place.address,
        sandbox=place.gateway is not None,
        capabilities=host.capabilities,
        volumes=_volumes(document.spec, host),
        roles=tuple(planned[name] for name in ready if name in planned),
        pending=tuple(name for name in wanted if name not in ready),
    )


def _role(name: str, context: Context) -> PlannedRole | None:
    """Return the planned role, or None where it has nothing to do on this host."""
    planner = _planner(name)
    if planner is None:
        raise KeyError(name)
    return planner(context)


def _planner(name: str) -> Callable[[Context], PlannedRole | None] | None:
    """Return `plan` of `cairn.plan.roles.<name>`, or None while the role is not built."""
    module = f"cairn.plan.roles.{name.replace('-', '_')}"
    if importlib.util.find_spec(module) is None:
        return None
    planner: Callable[[Context], PlannedRole | None] = importlib.import_module(module).plan
    return planner


def _volumes(spec: Spec, host: Host) -> tuple[str, ...]:
    """Return the paths that hold data on the host: the storage path where anything uses it."""
    if spec.storage is None or not {"storage", "pacs"} & {*host.runs}:
        return ()
    return (spec.storage.path,)
