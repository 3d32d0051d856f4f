"""What a run tells: events for the process that asked for it, and the full log for people."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any

from cairn.ansible import events
from cairn.ansible.masks import striker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cairn.ansible.job import RoleRun

#: How Ansible's own output tells a handler from a task; the event is the same.
_HANDLER_MARK = "RUNNING HANDLER ["
_ERROR_MARKS = ("[ERROR]:", "ERROR!")


class Teller:
    """Writes the log and the events of one run, with every secret struck out."""

    def __init__(
        self,
        run: RoleRun,
        out: IO[str],
        log: IO[str],
        hidden: Sequence[str] = (),
        number: int = 0,
    ) -> None:
        """Take what is to be told of.

        Args:
            run: The run.
            out: Takes the events.
            log: Takes the log.
            hidden: What must not be seen beside what the run hides itself.
            number: Which of several runs it is; stands in each of its events.
        """
        self._out, self._log, self._number = out, log, number
        self._strike = striker((*run.hidden, *hidden))
        self._secret_paths = frozenset(path for path, file in run.files.items() if file.secret)
        self._handlers: set[str] = set()
        self._begun = False
        self._failure: dict[str, Any] | None = None
        self._error = ""

    def hear(self, event: events.Event) -> bool:
        """Take one event of ansible-runner; False says that it is to be kept nowhere else."""
        self._write_log(event)
        kind, data = event.get("event"), event.get("event_data") or {}
        if kind == "playbook_on_task_start":
            self._start_task(event)
        elif kind in {"runner_on_failed", "runner_on_unreachable"}:
            self._keep_failure(event, unreachable=kind == "runner_on_unreachable")
        elif kind == "runner_on_ok":
            self._begun = self._begun or events.touches_host(event)
            # A handler only follows what has been told already.
            if data.get("task_uuid") not in self._handlers:
                for change in events.changes_of(event, self._secret_paths):
                    self.tell("change", task=change.task, what=change.what, diff=change.diff)
        return False

    def finish(self, status: int) -> None:
        """Tell the end.

        Args:
            status: Exit status of ansible-playbook.
        """
        if status == 0:
            self.tell("done")
        else:
            self.fail(**(self._failure or {"message": self._error or f"exit status {status}"}))

    def fail(
        self,
        message: str,
        task: str | None = None,
        *,
        unreachable: bool = False,
        begun: bool = False,
    ) -> None:
        """Tell why the run did not reach its end."""
        self.tell("failure", task=task, message=message, unreachable=unreachable, begun=begun)

    def tell(self, kind: str, **facts: Any) -> None:  # noqa: ANN401 - JSON values
        """Write one event as a line of JSON."""
        # Struck out before they are spelled: a secret may well be a word of the protocol.
        told = {k: self._strike(v) if isinstance(v, str) else v for k, v in facts.items()}
        self._out.write(json.dumps({"event": kind, "run": self._number, **told}) + "\n")
        self._out.flush()

    def _start_task(self, event: events.Event) -> None:
        if _HANDLER_MARK in str(event.get("stdout")):
            self._handlers.add(str(event["event_data"].get("task_uuid")))
        self.tell("task", name=events.task_of(event))

    def _keep_failure(self, event: events.Event, *, unreachable: bool) -> None:
        """Keep a failure until the end: a rescue may make it good, and the last one counts."""
        if not event["event_data"].get("ignore_errors"):
            touched = not unreachable and events.touches_host(event)
            self._failure = {
                "task": events.task_of(event),
                "message": events.message_of(event),
                "unreachable": unreachable,
                "begun": self._begun or touched,
            }

    def _write_log(self, event: events.Event) -> None:
        text = str(event.get("stdout") or "")
        if event.get("event") == "runner_on_file_diff" and self._secret_paths:
            text = "(a diff is kept back: this role has files with secrets)"
        if text:
            self._log.write(self._strike(text) + "\n")
            self._log.flush()
        for line in text.splitlines():
            if line.startswith(_ERROR_MARKS) and not self._error:
                self._error = line.split(" ", 1)[-1].strip()
