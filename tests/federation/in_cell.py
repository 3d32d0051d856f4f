"""Runs tasks of an app as a node does, in its cell; SuperNode, storage and account are played.

usage: PYTHON in_cell.py FAB DATA FOLDER, with a Python that has Flower. A line of JSON comes in for
each task: `kind`, `arrays`, `config` and what the spec says of `output`. One goes out.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict
from flwr.supercore.task_identity import TaskIdentity

from cairn_account import handing
from cairn_account.refusal import Refused
from cairn_approval import cell, fetching, holding, task

LIMITS = {"cores": 1, "memory": 2**30, "processes": 64, "seconds": 60}


def play(folder: Path, data: str) -> None:
    """Stand in for what a host has around a task."""
    TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = 1, 7, 1
    rules = folder / "cell.bpf"
    made = (Path(task.__file__).parents[1] / "make-cell-filter").read_text()
    made = made.replace("/usr/local/lib/cairn/cell.bpf", str(rules))
    subprocess.run(["/usr/bin/python3", "-", "make"], input=made, text=True, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    cell.FILTER, holding.COPIES = rules, folder / "copies"
    fetching.copy = lambda _: {"folder": data, "manifest": "sha256:feed", "version": 1}
    handing.tell = lambda *_: ""


def once(folder: Path, app: bytes, context: Context, wish: dict[str, Any]) -> dict[str, Any]:
    """Run one task."""
    digest = hashlib.sha256(app).hexdigest()
    permit = {"id": "P-1", "datasets": ["lesions"], "expires": "2999-12-31"}
    output = {"types": ["numpy", "json"], "at_most": 2**20, "secure_aggregation": False}
    rules = {"node": "hospital-a", "datasets": ["lesions"], "permits": [permit], "storage": None,
             "limits": LIMITS, "output": {**output, **wish.get("output", {})}}  # fmt: skip
    approved = {digest: {"dataset": "lesions", "permit": "P-1", "by": "dpo@hospital.example"}}
    (folder / "rules.json").write_text(json.dumps(rules))
    (folder / "approved.json").write_text(
        json.dumps({"format": "cairn-approvals/1", "apps": approved})
    )
    arrays = {name: Array(np.array(values)) for name, values in wish.get("arrays", {}).items()}
    content = {"arrays": ArrayRecord(arrays), "config": ConfigRecord(wish.get("config", {}))}
    message = Message(RecordDict(content), 7, wish["kind"])
    message.metadata.__dict__["_message_id"] = message.object_id
    one = task.Task(folder)
    run = SimpleNamespace(run_id=1, fab_id="", fab_version="", override_config={}, account_name="")
    one.pulled(lambda _: (message, context, run, SimpleNamespace(content=app)))(None)
    try:
        one.admitted(app, skip_prompt=True)
        return said(one.loaded("", "", digest)(message, context))
    except Refused as refusal:
        return {"refused": str(refusal)}


def said(reply: Message) -> dict[str, Any]:
    """Return what a reply says, arrays as their shapes."""
    records = reply.content
    arrays = {
        name: one.shape for part in records.array_records.values() for name, one in part.items()
    }
    told = {name: value for part in records.config_records.values() for name, value in part.items()}
    metrics = {name: one for part in records.metric_records.values() for name, one in part.items()}
    return {"arrays": arrays, "told": told, "metrics": metrics}


def main(fab: str, data: str, place: str) -> None:
    """Run a task for each line."""
    folder, app = Path(place), Path(fab).read_bytes()
    play(folder, data)
    context = Context(1, 7, {}, RecordDict(), {}, 0)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        out.write(json.dumps(once(folder, app, context, json.loads(line))) + "\n")
        out.flush()


main(*sys.argv[1:])
