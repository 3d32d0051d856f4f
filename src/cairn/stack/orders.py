"""Orders to one host of a node, as root: a program that answers, or a conversation in a shell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from cairn.ansible.job import Connection
from cairn.errors import ApplyFailed
from cairn.provider.failures import Refused
from cairn.provider.root_shell import root_shell
from cairn.stack.places import connections

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from cairn.provider.root_shell import Answer, RootShell
    from cairn.spec.document import Document

Done = TypeVar("Done")

#: The status with which a shell, and a script of ours, says that a program or a file is not there.
ABSENT: Final = 127
_NO_PROGRAM: Final = "it has no such program yet; run `cairn up`, then this again"


def ask(
    document: Document,
    host: str,
    script: str,
    *words: str,
    feed: bytes = b"",
    absent: str = _NO_PROGRAM,
) -> str:
    """Have a script say something as root on a host, and return it.

    Args:
        document: The node.
        host: The host.
        script: The script; it sees the words as `$1` and so on.
        words: Its arguments; none of them is a secret.
        feed: Its standard input.
        absent: What is wrong where it ends with status 127.

    Raises:
        ApplyFailed: The host does not run or cannot be reached, or the script fails; its last
            complaint is the reason.
    """
    answer = talk(document, host, lambda shell: shell.run(script, *words, feed=fed(feed)))
    if answer.status != 0:
        why = absent if answer.status == ABSENT else last_complaint(answer)
        raise ApplyFailed(f"{document.spec.name}: {host}: {why}")
    return answer.text


def talk(document: Document, host: str, act: Callable[[RootShell], Awaitable[Done]]) -> Done:
    """Have something done in a shell as root on a host, and return what came of it.

    Raises:
        ApplyFailed: The host does not run, or cannot be reached.
    """
    node = document.spec.name
    way = connections(document)[host]
    if way is None:
        raise ApplyFailed(f"{node}: {host} does not run; `cairn up {node}` starts it")

    async def opened() -> Done:
        async with root_shell(f"{node}: {host}", Connection(**way)) as shell:
            return await act(shell)

    try:
        return asyncio.run(opened())
    except Refused as refused:
        raise ApplyFailed(str(refused)) from None


def last_complaint(answer: Answer) -> str:
    """Return the last line of what a script complained of."""
    return (answer.complaint.strip().splitlines() or ["it gave no reason"])[-1]


async def fed(data: bytes) -> AsyncIterator[bytes]:
    """Yield what a script is to read."""
    yield data
