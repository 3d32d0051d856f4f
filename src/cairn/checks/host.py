"""A live host that remembers every answer it gave: a thin shell round testinfra."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Protocol

from cairn.checks.batch import compose, split
from cairn.checks.redaction import mask
from cairn.checks.verdicts import Evidence
from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cairn.plan.model import PlannedHost
    from cairn.render.files import RenderedFile


class Result(Protocol):
    """What testinfra's CommandResult offers of use here."""

    @property
    def rc(self) -> int:
        """Exit status."""

    @property
    def stdout(self) -> str:
        """Standard output."""

    @property
    def stderr(self) -> str:
        """Standard error."""


class Shell(Protocol):
    """What is needed of a testinfra host."""

    def run(self, command: str) -> Result:
        """Run a command as root."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command answered.

    Attributes:
        status: Exit status.
        text: Standard output and standard error.
    """

    status: int
    text: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the answer that are not empty."""
        return tuple(line for line in self.text.splitlines() if line.strip())

    @property
    def last(self) -> str:
        """The line that says most: the first that speaks of an error, else the last in words."""
        worded = [line.strip() for line in self.lines if any(sign.isalpha() for sign in line)]
        errors = [line for line in worded if "error" in line.casefold()]
        return errors[0] if errors else worded[-1] if worded else "no output"


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
        """Run one shell command as root on the host and keep the answer.

        Raises:
            VerifyFailed: The host cannot be reached or broke off.
        """
        return self.ask(answer=command)["answer"]

    def ask(self, **questions: str) -> dict[str, Reply]:
        """Run several shell commands as root in one round trip and keep each answer.

        A command may take several lines; the first stands for it in messages.

        Raises:
            VerifyFailed: The host cannot be reached or broke off.
        """
        script, mark = compose(questions)
        started = time.monotonic()
        result = self.shell.run(script)
        seconds = round(time.monotonic() - started, 3)
        if mark not in result.stdout:
            raise VerifyFailed(f"{self.name} runs no commands as root: {_last(result)}")
        answers = split(result.stdout, mark, questions)
        for name, command in questions.items():
            self._keep(command, *answers[name], seconds)
        return {name: Reply(*answers[name]) for name in questions}

    def _keep(self, command: str, status: int, answer: str, seconds: float) -> None:
        masked = mask(answer)
        self._kept.append(
            Evidence(
                host=self.name,
                command=mask(command),
                status=status,
                answer=masked[: self.LONGEST],
                sha256=hashlib.sha256(masked.encode()).hexdigest(),
                at=datetime.now(UTC).isoformat(timespec="milliseconds"),
                seconds=seconds,
            )
        )


def _last(result: Result) -> str:
    return Reply(result.rc, mask(result.stdout + result.stderr)).last
