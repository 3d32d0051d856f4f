"""Runs tasks as `flwr-clientapp` of the role does; SuperNode, storage and account are played.

Runs with a Python that has Flower. A line comes in and one goes out for each task.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from flwr.app import ArrayRecord, Context, Message, RecordDict
from flwr.supercore.task_identity import TaskIdentity

from cairn_account import handing
from cairn_account.refusal import Refused
from cairn_approval import cell, fetching, holding, task

RULES = {
    "node": "hospital-a",
    "datasets": ["lesions"],
    "permits": [{"id": "P-1", "datasets": ["lesions"], "expires": "2999-12-31"}],
    "output": {"types": ["numpy", "json"], "at_most": 2**20, "secure_aggregation": False},
    "limits": {"cores": 1, "memory": 2**30, "processes": 64, "seconds": 20},
    "storage": None,
}
LINES: list[dict[str, object]] = []


def play(folder: Path) -> None:
    """Stand in for what a host has around a task."""
    data = folder / "data"
    data.mkdir()
    for name in ("one.dcm", "two.dcm"):
        (data / name).write_bytes(b"DICM")
    (folder / "other").mkdir()
    filter_of = folder / "cell.bpf"
    TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = 1, 7, 1
    source = Path(task.__file__).parents[1] / "make-cell-filter"
    made = source.read_text().replace("/usr/local/lib/cairn/cell.bpf", str(filter_of))
    subprocess.run(["/usr/bin/python3", "-", "make"], input=made, text=True, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    cell.FILTER = filter_of
    holding.COPIES = folder / "copies"
    fetching.copy = lambda _: {"folder": str(data), "manifest": "sha256:feed", "version": 3}
    handing.tell = lambda event, words: LINES.append({"event": event, **words}) or ""


def once(folder: Path, wish: dict[str, object]) -> dict[str, object]:
    """Run one task."""
    LINES.clear()
    fab = Path(str(wish["fab"])).read_bytes()
    digest = Path(str(wish["fab"])).stem if wish.get("approved", True) else 64 * "0"
    rules = {
        **RULES,
        **{key: {**RULES[key], **wish[key]} for key in ("output", "limits") if key in wish},
    }
    rules["permits"] = [{**RULES["permits"][0], **wish.get("permit", {})}]
    approved = {digest: {"dataset": wish.get("dataset", "lesions"), "permit": "P-1", "by": "dpo@x"}}
    (folder / "rules.json").write_text(json.dumps(rules))
    (folder / "approved.json").write_text(
        json.dumps({"format": "cairn-approvals/1", "apps": approved})
    )
    (folder / "approved.json").chmod(wish.get("mode", 0o644))
    one = task.Task(folder)
    message = Message(RecordDict({"arrays": ArrayRecord([np.zeros(3)])}), 7, "train")
    message.metadata.__dict__["_message_id"] = message.object_id
    context = Context(1, 7, {}, RecordDict(), {"rounds": 1}, 0)
    run = SimpleNamespace(
        run_id=1,
        fab_id="tests/trial",
        fab_version="0.1.0",
        override_config={"started-by": "ops@hub.example"},
        account_name="",
    )
    one.pulled(lambda _: (message, context, run, SimpleNamespace(content=fab)))(None)
    try:
        one.admitted(fab, skip_prompt=True)
        reply = one.loaded("tests/trial", "0.1.0", digest)(message, context)
        arrays = reply.content["arrays"].to_numpy_ndarrays()
        told = {"reply": [one.tolist() for one in arrays], "state": sorted(context.state)}
    except Refused as refusal:
        told = {"refused": str(refusal)}
    left = subprocess.run(
        ["/usr/bin/ps", "-eo", "ppid=,comm="], capture_output=True, text=True, check=True
    )
    cells = [line for line in left.stdout.splitlines() if line.split()[:1] == [str(os.getpid())]]
    return {**told, "account": LINES, "left": [one for one in cells if "bwrap" in one]}


def main() -> None:
    """Run a task for each line."""
    folder = Path(sys.argv[1])
    play(folder)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        out.write(json.dumps(once(folder, json.loads(line))) + "\n")
        out.flush()


main()
