"""Hands jobs to the host and waits for their results; images stay where they are."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

from cairn.datasets.jobs import host_of
from cairn.errors import ApplyFailed
from cairn.provider.failures import Refused
from cairn.stack import orders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cairn.provider.root_shell import RootShell
    from cairn.spec.document import Document

    #: Told of the progress: part of the work, how much of how much.
    Tell = Callable[[str, int, int], None]

PROGRAM: Final = "/usr/local/libexec/cairn/freeze-job"
#: Takes the jobs that send copies to compute nodes, or have them deleted there.
LENDING: Final = "/usr/local/libexec/cairn/lending-job"
#: Seconds between two looks at a job, and how many looks may fail before somebody is told.
OFTEN: Final = 0.5
FAILURES: Final = 5
#: States of a unit that does nothing any more, systemctl(1).
ENDED: Final = frozenset({"inactive", "failed"})


def do(
    document: Document, job: Mapping[str, Any], tell: Tell, program: str = PROGRAM
) -> dict[str, Any]:
    """Have the host do a job and return its result.

    The job goes through standard input: no argument of a command names a subject.

    Args:
        document: The node.
        job: What `cairn.datasets.jobs` made.
        tell: Told of the progress.
        program: What takes the job on the host.

    Raises:
        ApplyFailed: The host cannot be reached, or refused, or the job broke.
    """
    host = host_of(document).name
    answer = orders.talk(document, host, lambda shell: _done(shell, job, tell, program))
    if not answer["ok"]:
        raise ApplyFailed(f"{document.spec.name}: {host}: {answer['message']}")
    result: dict[str, Any] = answer["result"]
    return result


async def _done(
    shell: RootShell, job: Mapping[str, Any], tell: Tell, program: str
) -> dict[str, Any]:
    number = await submit(shell, job, program)
    answer = await _waited(shell, number, tell, program)
    await shell.run(f"{program} forget {number}")
    return answer


async def submit(shell: RootShell, job: Mapping[str, Any], program: str = PROGRAM) -> str:
    """Hand a job in and return its number.

    Raises:
        ApplyFailed: The host takes no jobs.
        Refused: The host cannot be reached.
    """
    answer = await shell.run(f"{program} submit", feed=orders.fed(json.dumps(job).encode()))
    if answer.status != 0:
        told = orders.last_complaint(answer)
        raise ApplyFailed(f"{shell.host} takes no job ({told}); run `cairn up`, then this again")
    return answer.text.strip()


async def _waited(shell: RootShell, number: str, tell: Tell, program: str) -> dict[str, Any]:
    failed = 0
    while True:
        try:
            answer = await shell.run(f"{program} look {number}")
        except Refused:
            failed += 1
            if failed == FAILURES:
                raise ApplyFailed(
                    f"{shell.host} cannot be asked any more; the job goes on there, and the same "
                    "command tells later what became of it"
                ) from None
            continue
        failed = 0
        if answer.status != 0:
            raise ApplyFailed(f"{shell.host} lost the job; see `cairn dataset list`")
        state, progress, result = (*answer.text.split("\n"), "", "")[:3]
        if result:
            found: dict[str, Any] = json.loads(result)
            return found
        if state in ENDED:
            unit = f"cairn-{program.rpartition('/')[2].removesuffix('-job')}@*"
            raise ApplyFailed(
                f"{shell.host} did not do the job; read `journalctl -u '{unit}'` there"
            )
        if progress:
            told = json.loads(progress)
            tell(told["part"], told["done"], told["of"])
        await asyncio.sleep(OFTEN)
