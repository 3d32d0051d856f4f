"""The firewall of a host: what all its roles declare may pass, and nothing else."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

from cairn.plan.model import ANYWHERE, Flow, PlannedFile, PlannedRole, Service

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cairn.plan.context import Context

ROLE: Final = "firewall"
RULES: Final = "/etc/cairn/nftables.conf"
SERVICES: Final = (
    Service("cairn-firewall.service"),
    Service("cairn-flows.path"),
    Service("cairn-flows.service", active=False),
    Service("cairn-flows.timer"),
)


def plan(context: Context) -> PlannedRole:
    """Plan the firewall of one host from the flows of its other roles and of the spec."""
    own = tuple(
        Flow(
            name=f"egress-{way.name}",
            direction="out",
            peer=way.to,
            protocol=way.protocol,
            port=way.port,
            why=way.why,
            role=ROLE,
            tls=way.tls,
        )
        for way in context.spec.network.egress
    )
    flows = (*(flow for other in context.others for flow in other.flows), *own)
    accounts = [account for other in context.others for account in other.accounts]
    alone = [account.name for account in accounts if account.loopback_only]
    return PlannedRole(
        name=ROLE,
        settings=settings_of(flows, alone),
        files=(PlannedFile(RULES, f"{ROLE}{RULES}.j2"),),
        packages=("nftables",),
        services=SERVICES,
        flows=own,
    )


def settings_of(flows: Iterable[Flow], alone: Iterable[str] = ()) -> dict[str, Any]:
    """Return what the rule file is filled with: the flows by direction, in the order given.

    Each flow says which kind of peer it has: `family` is `ip` or `ip6` for an address or a network,
    `named` is true for a host name and for the name servers, neither is set for any peer at all.

    Args:
        flows: What passes.
        alone: The accounts that reach nothing but the loopback.

    Raises:
        ValueError: Two flows share a name; sets and comments could not tell them apart.
    """
    every = tuple(flows)
    names = [flow.name for flow in every]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"flows share a name: {', '.join(twice)}")
    return {
        "inbound": [_rule(flow) for flow in every if flow.direction == "in"],
        "outbound": [_rule(flow) for flow in every if flow.direction == "out"],
        "alone": list(dict.fromkeys(alone)),
    }


def _rule(flow: Flow) -> dict[str, Any]:
    family = _family(flow.peer)
    return {
        "name": flow.name,
        "peer": flow.peer,
        "family": family,
        "named": family is None and flow.peer != ANYWHERE,
        "protocol": flow.protocol,
        "port": flow.port,
        # One line: what follows a line break would be a rule.
        "why": " ".join(flow.why.split()),
        "user": flow.user,
    }


def _family(peer: str) -> str | None:
    """Return nftables' word for the address family of an address or a network."""
    try:
        version = ipaddress.ip_network(peer, strict=False).version
    except ValueError:
        return None
    return {4: "ip", 6: "ip6"}[version]
