"""A plan as a picture: for each host who reaches it on the left and whom it reaches on the right.

Every host has a band of its own, so no line crosses another, however many hosts share a peer.
Any browser shows it; resting on a connection tells why it is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from cairn.cli.plan_text import PEERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cairn.plan.model import Plan, PlannedHost

#: Lengths in pixels; a letter is the mean width of the letters of a 13 px sans-serif face.
LETTER, LINE, ROW, MARGIN, ARROW = 7.3, 18, 34, 24, 150
#: Space above and below the rows of a host's box.
AIR = 8

_STYLE = """
  text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: #1f2933 }
  .title { font-size: 18px; font-weight: 600 }
  .name { font-weight: 600 }
  .quiet { fill: #52606d; font-size: 12px }
  .late { fill: #9a6700; font-size: 12px }
  .host { fill: #eef4fb; stroke: #2b6cb0; stroke-width: 1.5 }
  .peer { fill: #fff; stroke: #9aa5b1 }
  .in { stroke: #2f855a } .out { stroke: #9c4221 }
  .in, .out { stroke-width: 1.5; fill: none }
"""
_ARROWS = "".join(
    f'<marker id="{name}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
    f'orient="auto"><path d="M0 0L8 4L0 8z" fill="{colour}"/></marker>'
    for name, colour in (("to-in", "#2f855a"), ("to-out", "#9c4221"))
)


@dataclass(frozen=True, slots=True)
class Connection:
    """All flows between a host and one peer in one direction."""

    peer: str
    ports: str
    why: str


def picture(plan: Plan, institution: str) -> str:
    """Return the picture of a plan as an SVG 1.1 document."""
    left, middle, right = _widths(plan)
    about = f"{plan.kind}, {plan.stage}; {institution}"
    width = 2 * MARGIN + max(left + middle + right + 2 * ARROW, _longest([about]))
    body: list[str] = []
    top: float = MARGIN + 2 * LINE + 20
    for host in plan.hosts:
        body += _band(host, _names(plan), (MARGIN + left + ARROW, top, middle), (left, right))
        top += _height(host, _names(plan)) + MARGIN
    size = round(width), round(top)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {size[0]} {size[1]}"',
            f' width="{size[0]}" height="{size[1]}">',
            f"<title>{escape(plan.node)}: hosts and allowed connections</title>",
            f"<style>{_STYLE}</style><defs>{_ARROWS}</defs>",
            f'<rect width="{size[0]}" height="{size[1]}" fill="#fff"/>',
            _text(MARGIN, MARGIN + 14, plan.node, "title"),
            _text(MARGIN, MARGIN + 14 + LINE + 4, about, "quiet"),
            *body,
            "</svg>\n",
        )
    )


def _band(
    host: PlannedHost,
    names: dict[str, str],
    box: tuple[float, float, float],
    sides: tuple[float, float],
) -> Iterator[str]:
    """Draw a host with its peers; `box` is its left edge, top and width, `sides` theirs."""
    x, y, width = box
    height = _height(host, names)
    yield (
        f'<rect class="host" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" rx="8"/>'
    )
    for number, (line, style) in enumerate(_lines(host)):
        yield _text(x + 14, y + 24 + number * LINE, line, style)
    for direction, edge, far in (("in", x, x - ARROW), ("out", x + width, x + width + ARROW)):
        for number, each in enumerate(_connections(host, names, direction)):
            middle = y + AIR + number * ROW + ROW / 2 + 3
            at = (far - sides[0], sides[0]) if direction == "in" else (far, sides[1])
            yield _connection(each, direction, (min(edge, far), middle), at)


def _connection(
    each: Connection, direction: str, line: tuple[float, float], peer: tuple[float, float]
) -> str:
    x, y = line
    left, width = peer
    return (
        f"<g><title>{escape(each.why)}</title>"
        f'<path class="{direction}" d="M{x:.0f} {y:.0f}h{ARROW}" '
        f'marker-end="url(#to-{direction})"/>'
        f'<text class="quiet" x="{x + ARROW / 2:.0f}" y="{y - 5:.0f}" '
        f'text-anchor="middle">{escape(each.ports)}</text>'
        f'<rect class="peer" x="{left:.0f}" y="{y - 13:.0f}" width="{width:.0f}" '
        f'height="26" rx="13"/>{_text(left + 14, y + 5, each.peer, "")}</g>'
    )


def _text(x: float, y: float, content: str, style: str) -> str:
    return f'<text class="{style}" x="{x:.0f}" y="{y:.0f}">{escape(content)}</text>'


def _lines(host: PlannedHost) -> list[tuple[str, str]]:
    where = "this computer" if host.address == "local" else host.address
    lines = [
        (host.name, "name"),
        (f"{host.os}, {where}{', sandbox' if host.sandbox else ''}", "quiet"),
        (", ".join(role.name for role in host.roles), ""),
    ]
    if host.pending:
        lines.append((f"not yet: {', '.join(host.pending)}", "late"))
    return lines


def _connections(host: PlannedHost, names: dict[str, str], direction: str) -> list[Connection]:
    """Put the flows of one direction together by peer, in the order of the plan."""
    wanted = [flow for flow in host.flows if flow.direction == direction]
    order = list(dict.fromkeys(flow.peer for flow in wanted))
    flows = sorted(wanted, key=lambda flow: order.index(flow.peer))
    found: list[Connection] = []
    for peer, group in groupby(flows, key=lambda flow: flow.peer):
        same = list(group)
        ports = ", ".join(dict.fromkeys(f"{flow.protocol} {flow.port}" for flow in same))
        why = "\n".join(dict.fromkeys(flow.why for flow in same))
        found.append(Connection(names.get(peer) or PEERS.get(peer, peer), ports, why))
    return found


def _names(plan: Plan) -> dict[str, str]:
    return {host.address: host.name for host in plan.hosts}


def _height(host: PlannedHost, names: dict[str, str]) -> float:
    rows = max(len(_connections(host, names, direction)) for direction in ("in", "out"))
    return max(rows * ROW, len(_lines(host)) * LINE + AIR) + 2 * AIR


def _widths(plan: Plan) -> tuple[float, float, float]:
    """Return the widths of the three columns: the longest text of each, and some air."""
    names = _names(plan)

    def peers(direction: str) -> list[str]:
        return [c.peer for host in plan.hosts for c in _connections(host, names, direction)]

    lines = [line for host in plan.hosts for line, _ in _lines(host)]
    return _longest(peers("in")), _longest(lines), _longest(peers("out"))


def _longest(texts: Sequence[str]) -> float:
    return max(map(len, texts), default=0) * LETTER + 28
