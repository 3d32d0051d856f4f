"""Specs of small nodes for the tests, made up as the demo's are."""

from __future__ import annotations

import copy
from typing import Any

#: The port of a machine that is not there: nobody listens at it (IANA: discard).
CLOSED = 9

_KEYS = {
    "elind": "AAAAC3NzaC1lZDI1NTE5AAAAINI0ZwauHfhKBSE+INGNYV6YNSFXDyryruMSmcDt3ckw",
    "fberg": "AAAAC3NzaC1lZDI1NTE5AAAAIDSdTxcU/TjbqbZEEYRPMwcBIeKiFpByXAE1qG2elEdY",
}
_HUB: dict[str, Any] = {
    "spec_version": 1,
    "kind": "hub",
    "name": "small",
    "site": {
        "institution": "Example Institute, Testville",
        "country": "ES",
        "contacts": {
            "technical": "it@institute.example",
            "security": "soc@institute.example",
            "data_protection": "dpo@institute.example",
            "incident_phone": "+34 900 000 000",
        },
    },
    "stage": "staging",
    "hosts": [{"name": "box", "machine": "sandbox", "os": "debian-13"}],
    "administrators": [
        {"name": name, "keys": [f"ssh-ed25519 {key} {name}@institute.example"]}
        for name, key in _KEYS.items()
    ],
    "identity": {"issuer": "https://login.institute.example", "second_factor": True},
    "hub": {"domain": "hub.institute.example", "mode": "federated", "minimum_sites": 2},
    "backup": {
        "to": "https://backup.institute.example",
        "country": "ES",
        "encrypted": True,
        "keep_days": 30,
        "restore_test_every_days": 90,
    },
    "logging": {"central": {"to": "198.51.100.70"}},
    "service_level": {
        "availability_percent": 99,
        "support_hours": "Mon-Fri 08:00-18:00 CET",
        "maintenance_window": "Wed 19:00-21:00 CET",
        "recovery_point_hours": 12,
        "recovery_time_hours": 24,
    },
}


def on_sandbox(name: str, **wishes: Any) -> dict[str, Any]:  # noqa: ANN401 - keys of a spec
    """Return the spec of a hub with one sandbox host and a data volume.

    Args:
        name: Name of the node.
        wishes: Further keys of the spec.
    """
    spec = {**copy.deepcopy(_HUB), "name": name, "storage": {"path": "/srv/data", "size": "1 TiB"}}
    spec["hosts"][0]["runs"] = ["storage"]
    return {**spec, **wishes}


def on_machine(name: str, machine: dict[str, Any], **network: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the spec of a hub whose one host exists already.

    Args:
        name: Name of the node.
        machine: How the host is reached, as `machine` of a spec says it.
        network: What the spec says of the network.
    """
    spec = {**copy.deepcopy(_HUB), "name": name, "network": network}
    spec["hosts"] = [{"name": "iron", "machine": machine, "os": "debian-12"}]
    return spec
