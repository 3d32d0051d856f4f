"""Sends artefacts to a host: only what is not there byte for byte, and from where a copy broke."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cairn.artefacts.cache import take
from cairn.artefacts.lock import ANY, FOLDER, Artefact
from cairn.errors import Misuse
from cairn.provider.failures import Refused
from cairn.provider.wire import Values, plain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from cairn.provider.root_shell import Answer, RootShell

#: Bytes that travel between two looks at the progress.
CHUNK = 2**20
MIB = 2**20
#: Prints the machine, then for each digest `whole`, or the bytes of a copy that broke.
LOOK = """
uname -m
cd "$1" 2>/dev/null || cd /
shift
for sum; do
    if [ -f "$sum" ] && echo "$sum  $sum" | sha256sum --check --status; then echo whole
    else stat --format=%s "$sum.part" 2>/dev/null || echo 0; fi
done
"""
#: Appends what comes to the copy that broke. One that is short is kept, one that is wrong is not.
TAKE = """
set -eu
umask 022
folder=$1 sum=$2 offset=$3 size=$4
install --directory --mode=0755 "$folder"
cd "$folder"
truncate --no-create --size="$offset" "$sum.part"
cat >>"$sum.part"
[ "$(stat --format=%s "$sum.part")" -ge "$size" ] || { echo short; exit 0; }
if echo "$sum  $sum.part" | sha256sum --check --status; then
    chmod 0755 "$sum.part"
    sync "$sum.part"
    mv --force "$sum.part" "$sum"
    echo whole
else
    rm --force "$sum.part"
    echo spoilt
fi
"""


def wanted(inputs: Values) -> tuple[Artefact, ...]:
    """Return the artefacts that the inputs of a role name."""
    named = plain(inputs.get("artefacts")) or {}
    return tuple(Artefact(name, licence="", vendor="", **named[name]) for name in sorted(named))


def seen_by_role(one: Artefact) -> dict[str, str]:
    """Return an artefact as a role finds it in `cairn_artefacts`."""
    return {
        "name": one.name,
        "version": one.version,
        "file": one.file,
        "sha256": one.sha256,
        "path": one.path,
    }


async def send(
    shell: RootShell,
    artefacts: Sequence[Artefact],
    tell: Callable[[str], Awaitable[None]],
    folder: str = FOLDER,
) -> None:
    """Bring artefacts to a host.

    Args:
        shell: The host.
        artefacts: What is to be there.
        tell: Called with the progress.
        folder: Where they go.

    Raises:
        Refused: The cache lacks one, the host is of another machine, or bytes do not arrive.
    """
    if not artefacts:
        return
    digests = [one.sha256 for one in artefacts]
    machine, *states = (await shell.ask(LOOK, folder, *digests)).split()
    for artefact, state in zip(artefacts, states, strict=True):
        if artefact.machine not in {ANY, machine}:
            raise Refused(
                f"{shell.host} is {machine}, and {artefact.name} {artefact.version} of the lock "
                f"is for {artefact.machine}"
            )
        if state != "whole":
            await _Copy(shell, artefact, folder, tell).finish(int(state))


@dataclass(frozen=True, slots=True)
class _Copy:
    """One artefact on its way to one host."""

    shell: RootShell
    artefact: Artefact
    folder: str
    tell: Callable[[str], Awaitable[None]]

    async def finish(self, offset: int) -> None:
        """Send what is missing after so many bytes; if those were wrong ones, all of it."""
        try:
            file, size = await asyncio.to_thread(_taken, self.artefact)
        except Misuse as error:
            raise Refused(f"{self.shell.host}: {error}") from None
        start = offset if offset <= size else 0
        said = await self._append(file, start, size)
        if said.text.strip() == "spoilt" and start > 0:
            said = await self._append(file, 0, size)
        if said.text.strip() != "whole":
            why = said.complaint.strip() or said.text.strip() or "the connection broke"
            raise Refused(
                f"{self.shell.host}: {self._name} did not arrive ({why}); the next `cairn up` "
                "goes on where it broke"
            )

    async def _append(self, file: Path, start: int, size: int) -> Answer:
        words = (self.folder, self.artefact.sha256, str(start), str(size))
        return await self.shell.run(TAKE, *words, feed=self._read(file, start, size))

    async def _read(self, file: Path, start: int, size: int) -> AsyncIterator[bytes]:
        """Yield a file from an offset on, and tell each tenth of it."""
        told = -1
        with file.open("rb") as opened:
            opened.seek(start)
            while chunk := opened.read(CHUNK):
                done = opened.tell()
                if done * 10 // size > told:
                    told = done * 10 // size
                    sent = f"{done / MIB:.0f} of {size / MIB:.0f} MiB"
                    await self.tell(f"sending {self._name}: {sent}")
                yield chunk

    @property
    def _name(self) -> str:
        return f"{self.artefact.name} {self.artefact.version}"


def _taken(artefact: Artefact) -> tuple[Path, int]:
    file = take(artefact)
    return file, file.stat().st_size
