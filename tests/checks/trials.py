"""Small documents and made-up catalogues to try the engine on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from cairn.checks import registry
from cairn.checks.parameters import Parameters
from cairn.spec.document import Document
from cairn.spec.node import HubNode
from checks.approvals import signed

HUB: dict[str, Any] = {
    "spec_version": 1,
    "kind": "hub",
    "name": "test-hub",
    "site": {
        "institution": "Example Institute, Testville",
        "country": "ES",
        "contacts": {
            "technical": "it@institute.example",
            "security": "soc@institute.example",
            "data_protection": "dpo@institute.example",
        },
    },
    "stage": "staging",
    "hosts": [{"name": "hub-1", "machine": "sandbox", "os": "debian-13"}],
    "hub": {"domain": "hub.institute.example"},
}

HEAD = """
from __future__ import annotations
from cairn.checks.registry import check
from cairn.checks.verdicts import *
from cairn.checks.verdicts import At, Severity
"""


def document(*waivers: dict[str, Any]) -> Document:
    """Return a hub with these waivers."""
    spec = HubNode.model_validate({**HUB, "compliance": {"waivers": list(waivers)}})
    return Document(spec, Path("test-hub.yaml"), f"sha256:{64 * '0'}", None, {})


def waiver(name: str, **changes: str) -> dict[str, Any]:
    """Return a signed waiver in good order; `changes` spoil it before it is signed."""
    return signed(
        HUB["name"],
        {
            "check": name,
            "reason": "a new machine arrives in the spring",
            "approved_by": "dpo@institute.example",
            "expires": "2027-01-31",
            **changes,
        },
    )


class Maker(Protocol):
    """Makes a catalogue out of source text, as the loader would; `values` are its parameters."""

    def __call__(self, source: str, **values: object) -> registry.Catalogue: ...


def maker(folder: Path) -> Maker:
    """Return a maker that keeps its files in the folder."""

    def make(source: str, **values: object) -> registry.Catalogue:
        bundle = folder / f"policies-{len(list(folder.iterdir()))}"
        (bundle / "checks").mkdir(parents=True)
        (bundle / "checks" / "made_up.py").write_text(HEAD + source)
        loaded = registry.load([bundle])
        return registry.Catalogue(loaded.checks, Parameters(values), loaded.bundles)

    return make


def one(body: str, name: str = "TST-01", subject: str = "document: Document", **words: str) -> str:
    """Return the source of one check with this body."""
    extra = "".join(f", {word}={value}" for word, value in words.items())
    lines = "\n    ".join(body.splitlines())
    return f'''
@check(id="{name}", title="The thing is right", severity=Severity.HIGH, supports=(),
       remediation="Put it right."{extra})
def f_{name.replace("-", "_").lower()}({subject}):
    """Because it matters."""
    {lines}
'''
