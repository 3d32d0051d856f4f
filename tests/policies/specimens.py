"""One node of each kind that passes every spec check, and ways to spoil it."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cairn.checks import registry
from cairn.spec.digest import digest_of
from cairn.spec.document import Document
from cairn.spec.node import KINDS
from checks.approvals import approver

#: The catalogue in force, with an approver for the node of `GOOD`; ours names none.
CATALOGUE = replace(registry.catalogue(), approvers=(approver("dpo@hospital.example"),))

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEYS = (
    "AAAAC3NzaC1lZDI1NTE5AAAAIEp5Ky8qMi669H7hSrzmfG2d6AgOuICyTx37p/tOoCgj",
    "AAAAC3NzaC1lZDI1NTE5AAAAIHqE/P5ZltJ65LJ8VDs0i6RZzm4Wld0S7UtW9Kjl13mx",
)

#: What every kind of node has; the day it is judged on is 22 November 2026.
COMMON: dict[str, Any] = {
    "spec_version": 1,
    "site": {
        "institution": "Example University Hospital, Testville",
        "country": "ES",
        "contacts": {
            "technical": "it@hospital.example",
            "security": "soc@hospital.example",
            "data_protection": "dpo@hospital.example",
            "incident_phone": "+34 900 000 000",
        },
    },
    "stage": "production",
    "hosts": [
        {
            "name": "imaging-1",
            "machine": {"existing": "10.20.0.12", "host_key": f"ssh-ed25519 {KEYS[0]}"},
            "os": "debian-13",
            "runs": ["storage"],
            "hardware": {
                "cores": 16,
                "clock_mhz": 2400,
                "memory": "128 GiB",
                "disk": "8 TiB",
            },
        }
    ],
    "administrators": [
        {"name": "amarin", "keys": [f"ssh-ed25519 {KEYS[0]} a"]},
        {"name": "bferrer", "keys": [f"ssh-ed25519 {KEYS[1]} b"]},
    ],
    "identity": {"issuer": "https://login.hospital.example/imaging", "second_factor": True},
    "network": {
        "operators_from": ["10.20.9.0/24"],
        "zones": {"research": "10.20.0.0/24", "clinical": ["10.30.0.0/24"]},
        "egress": [
            {
                "name": "mail",
                "to": "smtp.hospital.example",
                "port": 465,
                "tls": "1.2",
                "why": "Messages about failed backups go to operators.",
            }
        ],
    },
    "storage": {
        "path": "/srv/imaging",
        "size": "4 TiB",
        "scratch": "/srv/scratch",
        "encryption": {"method": "luks2", "key_from": "tpm2"},
    },
    "backup": {
        "to": "https://backup.hospital.example",
        "country": "ES",
        "encrypted": True,
        "keep_days": 30,
        "restore_test_every_days": 90,
    },
    "logging": {"central": {"to": "10.20.0.70"}, "dicom_audit": True},
    "legal": {
        "basis": "Research in the public interest, GDPR Art. 9(2)(j)",
        "dpia": {"reference": "DPIA-2026-07", "approved": "2026-03-02"},
        "agreement": {"kind": "data-sharing", "reference": "DSA-2026-03", "signed": "2026-04-15"},
    },
    "service_level": {
        "availability_percent": 98,
        "support_hours": "Mon-Fri 08:00-17:00 CET",
        "maintenance_window": "Tue 18:00-20:00 CET",
        "recovery_point_hours": 24,
        "recovery_time_hours": 72,
    },
}
FEDERATION = {"file": "demo.federation.json", "fingerprint": f"sha256:{64 * 'a'}", "tier": 3}
COMPUTING: dict[str, Any] = {
    "federation": FEDERATION,
    "fl_agent": {"output": {"secure_aggregation": True}},
    "datasets": [{"name": "lung-ct", "description": "Chest CT of a screening programme"}],
    "permits": [
        {
            "id": "TEST-2026-1",
            "persons": ["r.silva@university.example"],
            "datasets": ["lung-ct"],
            "expires": "2027-06-30",
            "delete_by": "2027-12-30",
        }
    ],
}
GOOD: dict[str, dict[str, Any]] = {
    "data-provider": {
        **COMMON,
        **COMPUTING,
        "kind": "data-provider",
        "name": "test-hospital",
        "hosts": [{**COMMON["hosts"][0], "runs": ["storage", "pacs", "fl-agent"]}],
        "network": {**COMMON["network"], "modalities_from": "10.30.0.0/24"},
        "gpu": {"vendor": "nvidia", "memory": "24 GiB"},
        "pacs": {
            "aet": "TEST-RESEARCH",
            "accepts": [{"aet": "CT-1", "address": "10.30.0.21", "may": ["store", "echo"]}],
            "deidentify": {
                "options": ["clean-pixel-data", "retain-longitudinal-modified-dates"],
                "justifications": {
                    "retain-longitudinal-modified-dates": "Time between two scans is studied."
                },
                "secret_holder": "Trust office of the hospital",
            },
        },
    },
    "compute": {
        **COMMON,
        **COMPUTING,
        "kind": "compute",
        "name": "test-compute",
        "federation": {**FEDERATION, "participation": "transfer"},
        "hosts": [{**COMMON["hosts"][0], "runs": ["storage", "fl-agent"]}],
        "legal": {
            **COMMON["legal"],
            "agreement": {**COMMON["legal"]["agreement"], "kind": "data-transfer"},
        },
        "datasets": [
            {
                **COMPUTING["datasets"][0],
                "copy_of": {
                    "node": "test-hospital",
                    "dataset": "lung-ct",
                    "comes_from": "10.20.0.12/32",
                },
            }
        ],
        "compute": {"scratch": "/srv/scratch", "sandbox_size": "100 GiB"},
    },
    "hub": {
        **COMMON,
        "kind": "hub",
        "name": "test-hub",
        "hub": {"domain": "hub.hospital.example"},
    },
}


def spoilt(kind: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the good node of that kind with some values changed.

    Args:
        kind: Kind of node.
        changes: New values by dotted path (`hosts.0.os`); None takes the key away.
    """
    spec: Any = copy.deepcopy(GOOD[kind])
    for path, value in changes.items():
        *above, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        inner = spec
        for step in above:
            inner = inner.setdefault(step, {}) if isinstance(step, str) else inner[step]
        if value is None:
            inner.pop(last)
        else:
            inner[last] = value
    return dict(spec)


def document(folder: Path, kind: str, **changes: Any) -> Document:  # noqa: ANN401 - any YAML
    """Return a document of that kind; `changes` as for `spoilt`, with `comment` added as text."""
    comment = changes.pop("comment", "")
    spec = spoilt(kind, changes)
    text = json.dumps(spec, indent=2) + f"\n# {comment}\n"
    path = folder / f"{spec['name']}.yaml"
    path.write_text(text)
    return Document(
        KINDS[kind].model_validate(spec),
        path,
        digest_of(text.encode()),
        None,
        {},  # type: ignore[arg-type]
    )
