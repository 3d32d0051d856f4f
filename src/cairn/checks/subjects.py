"""What a spec check may rely on about the node that it is asked of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn.errors import PolicyError

if TYPE_CHECKING:
    from cairn.spec.document import Document
    from cairn.spec.node import ComputeNode, DataProviderNode, HubNode


def data_provider(document: Document) -> DataProviderNode:
    """Return the spec of a data provider; PolicyError if `applies` let another kind through."""
    if document.spec.kind != "data-provider":
        raise PolicyError(f"asked of a {document.spec.kind} node, made for data providers")
    return document.spec


def taking_part(document: Document) -> DataProviderNode | ComputeNode:
    """Return the spec of a node that computes; PolicyError if `applies` let a hub through."""
    if document.spec.kind == "hub":
        raise PolicyError("asked of a hub, made for nodes that take part in a federation")
    return document.spec


def hub(document: Document) -> HubNode:
    """Return the spec of a hub; PolicyError if `applies` let another kind through."""
    if document.spec.kind != "hub":
        raise PolicyError(f"asked of a {document.spec.kind} node, made for hubs")
    return document.spec


def is_rehearsal(document: Document) -> bool:
    """Whether every host is a throw-away machine: then no patient data may be on the node."""
    return all(host.machine == "sandbox" for host in document.spec.hosts)
