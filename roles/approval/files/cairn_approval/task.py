"""One task of Flower's: it is let in by its digest, run in the cell, and written into the account.

Flower's own program talks to the SuperNode. Three of its names are replaced: what pulls the task,
what installs an app's bytes, and what loads the app. Nothing of the app is imported out here.
"""

from __future__ import annotations

import hashlib
import runpy
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flwr.app import Message
from flwr.common import serde
from flwr.supernode.runtime import run_clientapp as flower

from cairn_account import handing
from cairn_account.refusal import Refused
from cairn_approval import approvals, fetching, holding, output
from cairn_approval.cell import Visit, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from flwr.app import Context

#: Flower's program; its package is not imported, which brings a SuperNode's database and web server
#: and takes as long as all the rest.
PROGRAM: Final = Path(flower.__file__).parents[1] / "cli" / "flwr_clientapp.py"
#: Where an app that knows it finds who started the run.
STARTED_BY: Final = "started-by"


class Task:
    """One message for an app, from admission to reply."""

    def __init__(self, folder: Path = approvals.FOLDER) -> None:
        self._folder = folder
        self._rules = approvals.rules(folder)
        self._about: dict[str, str | int] = {}
        self._app, self._approval = b"", approvals.Approval()

    def pulled(self, pull: Callable[..., Any]) -> Callable[..., Any]:
        """Return what pulls a task and notes whose it is."""

        def noting(client: object) -> Any:  # noqa: ANN401 - Flower's own
            message, context, run, fab = pull(client)
            self._about = {
                "run": str(run.run_id),
                "app": hashlib.sha256(fab.content).hexdigest(),
                "name": run.fab_id,
                "version": run.fab_version,
                "started_by": str(run.override_config.get(STARTED_BY) or run.account_name or "?"),
                "started_at": _now(),
                "message": str(message.metadata.message_type),
                "node": self._rules["node"],
            }
            return message, context, run, fab

        return noting

    def admitted(self, app: bytes, **_: object) -> None:
        """Let the bytes of an app in, or refuse them; nothing of them is read but their digest.

        Raises:
            Refused: This site has not approved them.
        """
        digest = hashlib.sha256(app).hexdigest()
        try:
            today = datetime.now(UTC).date()
            self._approval = approvals.granted(digest, today=today, folder=self._folder)
        except Refused as refusal:
            handing.tell("refused", {"why": str(refusal), **self._about})
            raise
        self._app = app
        self._about |= {word: self._approval[word] for word in ("dataset", "permit")}

    def loaded(self, *_: object) -> Callable[..., Message]:
        """Return what stands for the app."""
        return self.run

    def run(self, message: Message, context: Context) -> Message:
        """Have the app answer a message, in the cell.

        Raises:
            Refused: It does not, or its answer must not leave.
        """
        dataset = self._approval["dataset"]
        try:
            with holding.reading(dataset):
                copy = fetching.copy(dataset)
                self._about |= {"manifest": copy["manifest"], "dataset_version": copy["version"]}
                reply = self._replied(message, context, Path(copy["folder"]))
        except Refused as refusal:
            handing.tell("ended", {"outcome": "failed", "why": str(refusal), **self._about})
            raise
        handing.tell("ended", {"outcome": "replied", **self._about})
        return reply

    def _replied(self, message: Message, context: Context, data: Path) -> Message:
        sent = serde.message_to_proto(message).SerializeToString()
        self._about["bytes_in"] = len(sent)
        handing.tell("began", self._about)
        most = self._rules["output"]["at_most"]
        visit = Visit(
            files={
                "app": self._app,
                "message": sent,
                "context": serde.context_to_proto(context).SerializeToString(),
            },
            dataset=self._approval["dataset"],
            data=data,
            # The state of an app stays on the node, and may be as large as its reply.
            limits={**self._rules["limits"], "answer": 2 * most + output.HEAD},
            told=self._told(),
            within=tuple(self._rules.get("within", ())),
        )
        content, state = output.parted(answer(visit))
        if max(len(content), len(state)) > most:
            raise Refused(f"the app gives {len(content)} bytes, and {most} may leave")
        reply = output.record(content)
        output.judge(reply, message.content, self._rules["output"])
        context.state = output.record(state)
        self._about["bytes_out"] = len(content)
        count = output.samples(reply)
        self._about |= {} if count is None else {"samples": count}
        return Message(content=reply, reply_to=message)

    def _told(self) -> dict[str, str]:
        """Return what an app is told of the site, to say it in its result and to keep it."""
        rules = self._rules["output"]
        masked = str(rules["secure_aggregation"]).lower()
        told = {"CAIRN_SECURE_AGGREGATION": masked, "CAIRN_MANIFEST": str(self._about["manifest"])}
        epsilon = rules.get("epsilon")
        return told if epsilon is None else {**told, "CAIRN_EPSILON": str(epsilon)}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def main(folder: Path = approvals.FOLDER) -> None:
    """Do what `flwr-clientapp` does, for approved apps only."""
    task = Task(folder)
    flower.pull_task_input = task.pulled(flower.pull_task_input)
    flower.install_from_fab = task.admitted
    flower.get_load_client_app_fn = lambda **_: task.loaded
    flower.get_project_dir = lambda *_: None
    runpy.run_path(str(PROGRAM))["flwr_clientapp"]()
