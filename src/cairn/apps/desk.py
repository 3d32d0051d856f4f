"""Asks the programs on hub and nodes that keep apps; nothing of an app is run on this computer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cairn.errors import Misuse
from cairn.spec.node import HubNode
from cairn.stack import orders

if TYPE_CHECKING:
    from cairn.spec.document import Document

#: What a host runs that has the program, and the program.
HUB: Final = ("hub-fl", "/usr/local/libexec/cairn/hub-apps")
NODE: Final = ("fl-agent", "/usr/local/libexec/cairn/agent-apps")


def is_hub(document: Document) -> bool:
    """Tell whether a node is the hub."""
    return isinstance(document.spec, HubNode)


def ask(document: Document, *words: str, feed: bytes = b"") -> str:
    """Have the program of a node do something, and return what it prints.

    Args:
        document: The node or the hub.
        words: The verb and its arguments.
        feed: Its standard input.

    Raises:
        Misuse: No host of the node has the program.
        ApplyFailed: The host cannot be reached, or refuses.
    """
    runs, program = HUB if is_hub(document) else NODE
    host = next((one.name for one in document.spec.hosts if runs in one.runs), None)
    if host is None:
        raise Misuse(f"{document.spec.name} has no host that runs `{runs}`")
    return orders.ask(document, host, f'exec {program} "$@"', *words, feed=feed)


def told(document: Document, *words: str, feed: bytes = b"") -> dict[str, Any]:
    """Have the program of a node do something, and return the answer that it prints as JSON.

    Raises:
        Misuse: No host of the node has the program.
        ApplyFailed: The host cannot be reached, or refuses.
    """
    found: dict[str, Any] = json.loads(ask(document, *words, feed=feed))
    return found
