"""Compares the resources that Pulumi is about to register with the plan that was judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cairn.render.files import render_role

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from cairn.plan.model import Plan, PlannedHost

ROLE, MACHINE = "cairn:index:Role", "cairn:index:Machine"


class Unknown:
    """Stands for a value that is known only after the change."""


class Registered(NamedTuple):
    """One resource of the preview: plain values, `Unknown` where Pulumi knows none yet."""

    type: str
    name: str
    inputs: dict[str, Any]


def differences(found: Registered, plan: Plan) -> Iterator[str]:
    """Yield a sentence for each input of a resource that is not as planned or not known yet.

    A value that nobody knows yet is no proof of anything, so it counts as a difference. How a
    sandbox host is reached is known only once it runs and is not compared.
    """
    if found.type not in {ROLE, MACHINE}:
        return
    wanted = {one.name: one for one in _all_wanted(plan)}.get(found.name)
    if wanted is None:
        yield f"{found.name}: the program registers it, the plan does not have it"
    else:
        yield from _differing(found, wanted)


def missing(names: Collection[str], plan: Plan) -> Iterator[str]:
    """Yield a sentence for each resource of the plan that the program does not register."""
    for one in _all_wanted(plan):
        if one.name not in names:
            yield f"{one.name}: the plan has it, the program does not register it"


def _all_wanted(plan: Plan) -> Iterator[Registered]:
    for host in plan.hosts:
        yield from _wanted(plan, host)


def _wanted(plan: Plan, host: PlannedHost) -> Iterator[Registered]:
    about = {"node": plan.node, "host": host.name}
    if host.sandbox:
        ways = [
            {"to": flow.peer, "port": flow.port, "protocol": flow.protocol}
            for flow in host.flows
            if flow.direction == "out"
        ]
        machine = {**about, "os": host.os, "volumes": list(host.volumes), "egress": ways}
        yield Registered(MACHINE, f"{host.name}-machine", machine)
    for role in host.roles:
        files = {
            file.path: {
                "content": file.content,
                "mode": file.mode,
                "owner": file.owner,
                "group": file.group,
            }
            for file in render_role(plan.node, host, role)
        }
        inputs = {**about, "role": role.name, "variables": dict(role.variables), "files": files}
        yield Registered(ROLE, f"{host.name}-{role.name}", inputs)


def _differing(found: Registered, wanted: Registered) -> Iterator[str]:
    if found.type != wanted.type:
        yield f"{found.name}: is a {found.type}, planned as {wanted.type}"
        return
    for key, value in wanted.inputs.items():
        there = found.inputs.get(key)
        if _has_unknown(there):
            yield f"{found.name}: `{key}` is not known before the change, so nobody can judge it"
        elif _plain(there) != _plain(value):
            yield f"{found.name}: `{key}` is not as planned{_where(there, value)}"


def _has_unknown(value: object) -> bool:
    if isinstance(value, dict):
        return any(_has_unknown(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_has_unknown(inner) for inner in value)
    return isinstance(value, Unknown)


def _plain(value: object) -> object:
    """Return a value as Pulumi hands it over: lists for tuples, and no keys without a value."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _where(there: object, wanted: object) -> str:
    """Name the keys that differ; their values may be long or secret."""
    if not isinstance(there, dict) or not isinstance(wanted, dict):
        return ""
    keys = sorted(
        str(key) for key in {*there, *wanted} if _plain(there.get(key)) != _plain(wanted.get(key))
    )
    return f" ({', '.join(keys)})"
