"""A plan as a Mermaid flowchart: hosts in the middle, who reaches them, whom they reach."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from cairn.cli.plan_text import PEERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cairn.plan.model import Flow, Plan, PlannedHost


def flowchart(plan: Plan) -> str:
    """Return the chart as text that GitHub, GitLab and any Mermaid viewer draw."""
    return "\n".join(("flowchart LR", *(f"  {line}" for line in _lines(plan)))) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    hosts = {host.address: f"host{number}" for number, host in enumerate(plan.hosts, 1)}
    yield f"subgraph node[{_quoted(f'{plan.node} ({plan.kind}, {plan.stage})')}]"
    for host in plan.hosts:
        yield f"  {hosts[host.address]}[{_quoted(_label(host))}]"
    yield "end"
    peers: dict[tuple[str, str], str] = {}
    edges: list[str] = []
    for host in plan.hosts:
        edges += _edges(host, hosts, peers)
    for (_, peer), name in peers.items():
        yield f"{name}([{_quoted(PEERS.get(peer, peer))}])"
    yield from edges


def _label(host: PlannedHost) -> str:
    where = "this computer" if host.address == "local" else host.address
    lines = [host.name, f"{host.os}, {where}", ", ".join(role.name for role in host.roles)]
    if host.pending:
        lines.append(f"not yet: {', '.join(host.pending)}")
    return "<br>".join(lines)


def _edges(
    host: PlannedHost, hosts: dict[str, str], peers: dict[tuple[str, str], str]
) -> Iterator[str]:
    """Yield one arrow for each peer and direction, labelled with all its ports."""
    wanted = sorted(host.flows, key=lambda flow: (flow.direction, flow.peer))
    for (direction, peer), flows in groupby(wanted, key=lambda flow: (flow.direction, flow.peer)):
        if direction == "in" and peer in hosts:
            continue  # the other host's outgoing arrow says it
        end = hosts.get(peer) or peers.setdefault((direction, peer), f"peer{len(peers) + 1}")
        here = hosts[host.address]
        ends = (end, here) if direction == "in" else (here, end)
        yield f"{ends[0]} -->|{_quoted(_ports(flows))}| {ends[1]}"


def _ports(flows: Iterable[Flow]) -> str:
    ports = sorted({(flow.protocol, flow.port) for flow in flows})
    return ", ".join(f"{protocol} {port}" for protocol, port in ports)


def _quoted(label: str) -> str:
    return '"' + label.replace('"', "#quot;") + '"'
