"""A live host that remembers every answer it gave: a thin shell round testinfra."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from cairn.checks.secrets import mask
from cairn.checks.verdicts import Evidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cairn.plan.model import PlannedHost
    from cairn.render.files import RenderedFile


class Shell(Protocol):
    """What is needed of a testinfra host."""

    def run(self, command: str) -> Any:  # noqa: ANN401 - testinfra's CommandResult has no types
        """Run a command; the answer has `rc`, `stdout` and `stderr`."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command answered.

    Attributes:
        status: Exit status.
        text: Standard output, then standard error.
    """

    status: int
    text: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the answer that are not empty."""
        return tuple(line for line in self.text.splitlines() if line.strip())


@dataclass(slots=True)
class EvidenceHost:
    """One live host as a check sees it.

    Attributes:
        plan: The host as planned.
        rendered: The files that it is to have, by path.
        shell: The testinfra host.
    """

    LONGEST: ClassVar[int] = 16_384

    plan: PlannedHost
    rendered: Mapping[str, RenderedFile]
    shell: Shell
    _kept: list[Evidence] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Name of the host inside the node."""
        return self.plan.name

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every answer since this object was made, in the order of asking."""
        return tuple(self._kept)

    def afresh(self) -> EvidenceHost:
        """Return the same host without the answers so far, for the next check."""
        return EvidenceHost(self.plan, self.rendered, self.shell)

    def run(self, command: str) -> Reply:
        """Run a shell command as root on the host and keep the answer.

        Raises:
            VerifyFailed: The host cannot be reached.
        """
        started = time.monotonic()
        result = self.shell.run(command)
        reply = Reply(result.rc, result.stdout + result.stderr)
        masked = mask(reply.text)
        self._kept.append(
            Evidence(
                host=self.name,
                command=mask(command),
                status=reply.status,
                answer=masked[: self.LONGEST],
                sha256=hashlib.sha256(masked.encode()).hexdigest(),
                at=datetime.now(UTC).isoformat(timespec="milliseconds"),
                seconds=round(time.monotonic() - started, 3),
            )
        )
        return reply
