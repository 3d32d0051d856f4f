"""The errors a person can meet, one family, each with the exit code it ends in.

Libraries raise them, only the command line prints them. `str()` of an error is the whole message:
what is wrong, where, and what to do about it. No error carries the value of a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One thing that is wrong in one place of a file.

    Attributes:
        file: The path as the user gave it.
        line: Line in the file, from 1.
        column: Column in the line, from 1.
        where: Dotted path inside the document (`hosts.imaging-1.os`), empty for the file itself.
        message: What is wrong; after a semicolon, what to do.
    """

    file: str
    line: int
    column: int
    where: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return (
            f"{place}: {self.where}: {self.message}" if self.where else f"{place}: {self.message}"
        )


class CairnError(Exception):
    """Any error that Cairn foresees."""

    exit_code: ClassVar[int] = 1


class InvalidSpec(CairnError):
    """A spec cannot be read or does not say what a spec must say."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Misuse(CairnError):
    """A command was called in a way that cannot work: unknown node, missing file, wrong option."""

    exit_code = 2


class RenderError(CairnError):
    """A template asks for something that the plan does not have."""

    exit_code = 2


class PolicyError(CairnError):
    """The policy engine or its catalogue is broken: nothing it says may be trusted."""

    exit_code = 3


class PlanRefused(CairnError):
    """A check on the spec or the plan says no; nothing was changed."""

    exit_code = 3


class ApplyFailed(CairnError):
    """A change did not reach its end; what was done is kept and the next `cairn up` goes on."""

    exit_code = 4


class SandboxError(ApplyFailed):
    """A sandbox host cannot be made, started or removed."""


class VerifyFailed(CairnError):
    """The live host differs from the plan, or could not be asked."""

    exit_code = 5


class EvidenceRefused(CairnError):
    """A report, its evidence or its signature cannot be trusted; nothing it says counts."""

    exit_code = 5


class Stopped(CairnError):
    """Somebody ended the work with Ctrl-C or a signal; 128 + SIGINT, as shells report it."""

    exit_code = 130
