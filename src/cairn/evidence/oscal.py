"""What both OSCAL documents have in common: version 1.1.3, metadata, and names that last."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cairn.evidence.model import Report

VERSION = "1.1.3"
#: The namespace of properties that are Cairn's own; a name, at which nothing is to be fetched.
NAMESPACE = "https://cairn.example/ns/oscal"
#: Names of one report always become the same UUIDs (RFC 9562, version 5).
_ROOT = uuid.uuid5(uuid.NAMESPACE_URL, NAMESPACE)


def identify(report: Report, *names: object) -> str:
    """Return the UUID of a thing of a report."""
    made = f"{report.node.name} {report.made_at} {report.basis.evidence}"
    return str(uuid.uuid5(_ROOT, " ".join([made, *map(str, names)])))


def metadata(report: Report, title: str) -> dict[str, Any]:
    """Return the metadata of a document, with the institution as its party."""
    party = identify(report, "institution")
    return {
        "title": title,
        "last-modified": report.made_at.replace("Z", "+00:00"),
        "version": str(report.number),
        "oscal-version": VERSION,
        "roles": [{"id": "node-operator", "title": "Operator of the node"}],
        "parties": [{"uuid": party, "type": "organization", "name": report.node.institution}],
        "responsible-parties": [{"role-id": "node-operator", "party-uuids": [party]}],
    }


def token(text: str) -> str:
    """Return a text as an OSCAL token: letters, digits, `.`, `-` and `_`, no digit in front."""
    made = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")
    return made if re.match(r"[A-Za-z_]", made) else f"c-{made}"


def prop(name: str, value: str) -> dict[str, str]:
    """Return a property of Cairn's own; its value is one line, as OSCAL wants it."""
    return {"name": name, "ns": NAMESPACE, "value": " ".join(value.split()) or "none"}


def written(name: str, document: dict[str, Any]) -> bytes:
    """Return the bytes of a document under its one key."""
    return (json.dumps({name: document}, indent=1, ensure_ascii=False) + "\n").encode()
