"""The register of roles: what a host may run and on which kind of node.

A new role adds one line here, and its own folders `roles/NAME/`, `templates/NAME/` and
`plan/roles/NAME.py` (with underscores for hyphens). `base`, `trust` and `firewall` run on every
host and are therefore no choice of a spec.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["data-provider", "hub", "compute"]


@dataclass(frozen=True, slots=True)
class RoleEntry:
    """One role: a phrase for people and the kinds of node that may run it."""

    summary: str
    kinds: frozenset[Kind]


def _entry(summary: str, *kinds: Kind) -> RoleEntry:
    return RoleEntry(summary, frozenset(kinds))


#: Roles of every host, in the order in which they are applied.
EVERYWHERE = ("base", "trust", "firewall")

ROLES: dict[str, RoleEntry] = {
    "storage": _entry("S3 storage over the data volume", "data-provider", "hub", "compute"),
    "pacs": _entry("DICOM intake, de-identification and archive", "data-provider"),
    "gpu": _entry("GPU driver and container runtime", "data-provider", "compute"),
    "fl-agent": _entry("federated-learning agent", "data-provider", "compute"),
    "hub-ca": _entry("certificate authority of the federation", "hub"),
    "hub-fl": _entry("federated-learning server", "hub"),
    "scheduler": _entry("batch scheduler", "compute"),
}
