"""What came of a run: which tasks changed something, and the one sentence of what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cairn.ansible.reasons import explain

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.ansible.job import RoleRun


@dataclass(frozen=True, slots=True)
class Change:
    """A task that changed something, or in check mode would.

    Attributes:
        task: The task's name.
        what: Path, service or package that it is about; empty when the module does not say.
        diff: At most a screenful of what differs, empty when the module gives none.
    """

    task: str
    what: str
    diff: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run did not reach its end.

    Attributes:
        host: Name of the host.
        role: Name of the role.
        task: Name of the task that failed, None when it never came to a task.
        message: What is wrong and, where it is known, what to do; one line.
        unreachable: The host could not be reached or the connection broke.
    """

    host: str
    role: str
    task: str | None
    message: str
    unreachable: bool

    def __str__(self) -> str:
        if self.unreachable or self.task is None:
            return f"{self.host}: role {self.role}: {self.message}"
        return f"{self.host}: role {self.role}: `{self.task}` failed: {self.message}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a run.

    Attributes:
        changes: What was changed, in the order of the tasks.
        failure: Why it did not reach its end, None when every task went well.
        begun: A task has done something on the host, so that a failure is a half-done role.
        log: The file that holds everything Ansible said.
    """

    changes: tuple[Change, ...]
    failure: Failure | None
    begun: bool
    log: Path

    @property
    def ok(self) -> bool:
        """Tell whether the role reached its end."""
        return self.failure is None

    def sentence(self) -> str:
        """Return the failure with the place of the full log, empty after a success."""
        return f"{self.failure}; full log: {self.log}" if self.failure else ""


def failure_of(run: RoleRun, task: str | None, message: str, *, unreachable: bool) -> Failure:
    """Return the failure in the operator's words, with a remedy where the cause is a known one."""
    reason = explain(message, run.connection, unreachable=unreachable)
    return Failure(run.host, run.role, task, reason.text, reason.unreachable)
