"""The register of roles: what a host may run and on which kind of node.

A new role adds one line here, and its own folders `roles/NAME/`, `templates/NAME/` and
`plan/roles/NAME.py` (with underscores for hyphens). `base`, `trust` and `firewall` run on every
host and are therefore no choice of a spec. What a spec calls one thing may be several on the host:
such an entry names the roles that it brings along, in the order in which they are applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal["data-provider", "hub", "compute"]


@dataclass(frozen=True, slots=True)
class RoleEntry:
    """What a spec may let a host run.

    Attributes:
        summary: A phrase for people.
        kinds: The kinds of node that may run it.
        brings: The roles that make it up, those it relies on first; only itself if empty.
    """

    summary: str
    kinds: frozenset[Kind]
    brings: tuple[str, ...] = ()


def _entry(summary: str, *kinds: Kind, brings: tuple[str, ...] = ()) -> RoleEntry:
    return RoleEntry(summary, frozenset(kinds), brings)


#: Roles of every host, in the order in which they are applied.
EVERYWHERE = ("base", "trust", "firewall")

ROLES: dict[str, RoleEntry] = {
    "storage": _entry(
        "S3 storage over the data volume",
        *("data-provider", "hub", "compute"),
        brings=("certificate", "volume", "storage"),
    ),
    "pacs": _entry(
        "DICOM intake, de-identification and archive",
        "data-provider",
        brings=("certificate", "volume", "postgresql", "archive", "intake", "freeze"),
    ),
    "gpu": _entry("GPU driver and container runtime", "data-provider", "compute"),
    "fl-agent": _entry(
        "federated-learning agent",
        *("data-provider", "compute"),
        brings=(
            *("enrolment", "flower", "account", "approval", "fl_agent"),
            *("freeze", "lending", "receiving"),
        ),
    ),
    "hub-ca": _entry(
        "certificate authority, register of nodes and public port of the federation",
        "hub",
        brings=("hub_ca", "hub_registry", "hub_gate"),
    ),
    "hub-fl": _entry(
        "federated-learning server", "hub", brings=("flower", "hub_fl", "account", "hub_apps")
    ),
    "scheduler": _entry("batch scheduler for the tasks of the agent", "compute"),
}


def applied(runs: Iterable[str]) -> tuple[str, ...]:
    """Return the roles of a host in the order in which they are applied, each once.

    Args:
        runs: What the spec lets the host run.
    """
    wanted = [role for name in runs for role in ROLES[name].brings or (name,)]
    return tuple(dict.fromkeys((*EVERYWHERE, *wanted)))
