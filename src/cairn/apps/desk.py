"""Asks the programs on hub and nodes that keep apps; nothing of an app is run on this computer."""

from __future__ import annotations

import asyncio
import json
import shlex
from typing import TYPE_CHECKING, Any, Final

from cairn.ansible.job import Connection
from cairn.errors import ApplyFailed, Misuse
from cairn.provider.failures import Refused
from cairn.provider.root_shell import root_shell
from cairn.spec.node import HubNode
from cairn.stack.places import connections

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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
    way = connections(document)[host]
    if way is None:
        raise ApplyFailed(
            f"{document.spec.name}: {host} does not run; `cairn up {document.spec.name}` starts it"
        )
    try:
        return asyncio.run(
            _ask(f"{document.spec.name}: {host}", Connection(**way), [program, *words], feed)
        )
    except Refused as refused:
        raise ApplyFailed(str(refused)) from None


def told(document: Document, *words: str, feed: bytes = b"") -> dict[str, Any]:
    """Have the program of a node do something, and return the answer that it prints as JSON.

    Raises:
        Misuse: No host of the node has the program.
        ApplyFailed: The host cannot be reached, or refuses.
    """
    found: dict[str, Any] = json.loads(ask(document, *words, feed=feed))
    return found


async def _ask(name: str, way: Connection, words: list[str], feed: bytes) -> str:
    async with root_shell(name, way) as shell:
        answer = await shell.run(shlex.join(words), feed=_fed(feed))
    if answer.status == 0:
        return answer.text
    reason = (answer.complaint.strip().splitlines() or ["no reason was given"])[-1]
    if "not found" in reason:
        reason = "it has no such program yet; run `cairn up`, then this again"
    raise ApplyFailed(f"{name}: {reason}")


async def _fed(data: bytes) -> AsyncIterator[bytes]:
    yield data
