"""A spec as it was read: the node, the file it came from, and the files that it names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cairn.spec.federation import FederationFile
    from cairn.spec.invitation import Invitation
    from cairn.spec.node import Spec


@dataclass(frozen=True)
class Document:
    """One node, ready to be planned: everything below was looked at and found in order.

    Attributes:
        spec: The node.
        path: The file it was read from.
        digest: `sha256:` and 64 hex digits of the bytes of that file.
        federation: The pinned federation file; none for a hub, which publishes it.
        anchors: PEM text of each of `network.trust_anchors`, by the stem of its file name.
        client_authorities: The same of each of `pacs.tls.client_authorities`.
        hub_authority: The same of each of `hub.authority`.
        invitation: What the hub has invited the node with; none if nothing lies beside the spec.
        toolkit_key: The armoured public key that `gpu.toolkit.key` names; empty if it names none.
    """

    spec: Spec
    path: Path
    digest: str
    federation: FederationFile | None
    anchors: Mapping[str, str]
    client_authorities: Mapping[str, str] = field(default_factory=dict)
    toolkit_key: str = ""
    hub_authority: Mapping[str, str] = field(default_factory=dict)
    invitation: Invitation | None = None
