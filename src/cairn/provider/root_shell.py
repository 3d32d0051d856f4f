"""A shell as root on a host: over SSH with the pinned key, or on this computer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cairn.ansible.environment import read_password
from cairn.ansible.process import end_descendants
from cairn.ansible.reasons import explain
from cairn.ansible.workspace import known_hosts, ssh_options
from cairn.provider.failures import Refused

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterable, AsyncIterator

    from cairn.ansible.job import Connection

#: ssh itself ends with this status, ssh(1).
_OF_SSH = 255
#: Bytes that are passed on at once.
_PIECE = 65536
#: Ends what sudo may have left of the password's line, so that what follows is data.
_MARK = "cairn: what follows is data"
_SKIP = f'while IFS= read -r line && [ "$line" != "{_MARK}" ]; do :; done\n'


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answered."""

    status: int
    text: str
    complaint: str


class RootShell:
    """Runs commands as root, one connection each; no argument of a command may be a secret."""

    def __init__(self, host: str, way: Connection, known: Path) -> None:
        self.host = host
        self._way, self._known = way, known

    async def run(
        self, script: str, *words: str, feed: AsyncIterable[bytes] | None = None
    ) -> Answer:
        """Run a POSIX shell script and return its answer, whatever its status.

        Args:
            script: The script; it sees the words as `$1` and so on.
            words: Its arguments.
            feed: Its standard input, empty by default.

        Raises:
            Refused: The host cannot be reached, or gives no root.
        """
        child = await asyncio.create_subprocess_exec(
            *self.command(script, *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, complaint, _ = await asyncio.gather(
                _hear(child.stdout), _hear(child.stderr), _feed(child, self.preamble(), feed)
            )
            status = await child.wait()
        finally:
            await asyncio.shield(_end(child))
        answer = Answer(status, out.decode(errors="replace"), complaint.decode(errors="replace"))
        self._refuse_the_unreached(answer)
        return answer

    async def ask(self, script: str, *words: str) -> str:
        """Run a script that must succeed and return what it says.

        Raises:
            Refused: The host cannot be reached, gives no root, or the script fails.
        """
        answer = await self.run(script, *words)
        if answer.status != 0:
            raise Refused(f"{self.host}: {answer.complaint.strip() or 'no reason was given'}")
        return answer.text

    async def join(self, script: str, reader: StreamReader, writer: StreamWriter) -> None:
        """Run a script whose input and output are those of a connection, until either ends."""
        child = await asyncio.create_subprocess_exec(
            *self.command(script),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            await asyncio.gather(
                _feed(child, self.preamble(), _chunks(reader)), _pour(child.stdout, writer)
            )
        finally:
            await asyncio.shield(_end(child))

    def command(self, script: str, *words: str) -> list[str]:
        """Return the command line that runs a script as root, fed as `_feed` does it."""
        inner = ["sh", "-c", _SKIP + script, "cairn", *words]
        local = self._way.local
        if os.geteuid() != 0 if local else self._way.user != "root":
            asks = ["-S", "-p", ""] if self._way.become_password else ["-n"]
            inner = ["sudo", *asks, "--", *inner]
        # Through setpriv(1) what runs here ends with this process, whatever ends it.
        return ["setpriv", "--pdeathsig", "TERM", *(inner if local else self._over_ssh(inner))]

    def preamble(self) -> bytes:
        """Return what stands before the data on standard input.

        Raises:
            Refused: The password of sudo cannot be read.
        """
        try:
            password = read_password(self._way.become_password, os.environ)
        except LookupError as error:
            raise Refused(f"{self.host}: {error}") from None
        return "".join(f"{line}\n" for line in (password, _MARK) if line).encode()

    def _over_ssh(self, inner: list[str]) -> list[str]:
        way = self._way
        options = shlex.split(ssh_options(way, self._known))
        for option in ("BatchMode=yes", "ServerAliveInterval=10", "ServerAliveCountMax=3"):
            options += ["-o", option]
        options += ["-i", way.key_file] if way.key_file else []
        return [
            *("ssh", "-T", *options, "-p", str(way.port), "-l", way.user),
            *("--", way.address, shlex.join(inner)),
        ]

    def _refuse_the_unreached(self, answer: Answer) -> None:
        lost = not self._way.local and answer.status == _OF_SSH
        reason = explain(answer.complaint, self._way, unreachable=lost)
        if lost or (answer.status != 0 and reason.unreachable):
            raise Refused(f"{self.host}: {reason.text}")


@contextlib.asynccontextmanager
async def root_shell(host: str, way: Connection) -> AsyncIterator[RootShell]:
    """Give a shell as root; its pinned host key lies in a private folder until the end."""
    with tempfile.TemporaryDirectory(prefix="cairn-") as folder:
        known = Path(folder) / "known_hosts"
        known.write_text(known_hosts(way), encoding="utf-8")
        yield RootShell(host, way, known)


async def _feed(child: Process, preamble: bytes, feed: AsyncIterable[bytes] | None) -> None:
    """Write all that the script is to read; one that ends before it has read all is not hurt."""
    assert child.stdin is not None  # noqa: S101 - it was asked for at the start
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        child.stdin.write(preamble)
        if feed is not None:
            async for chunk in feed:
                child.stdin.write(chunk)
                await child.stdin.drain()
        await child.stdin.drain()
    child.stdin.close()


async def _chunks(reader: StreamReader) -> AsyncIterator[bytes]:
    while chunk := await reader.read(_PIECE):
        yield chunk


async def _pour(stream: StreamReader | None, writer: StreamWriter) -> None:
    assert stream is not None  # noqa: S101 - it was asked for at the start
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        while chunk := await stream.read(_PIECE):
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def _hear(stream: StreamReader | None) -> bytes:
    assert stream is not None  # noqa: S101 - it was asked for at the start
    return await stream.read()


async def _end(child: Process) -> None:
    if child.returncode is None:
        await asyncio.to_thread(end_descendants, 1.0, child.pid)
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
