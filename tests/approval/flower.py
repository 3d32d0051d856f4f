"""Flower in an environment of its own, by the lock of the hosts, and tasks that run in it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cairn import house
from cairn.apps import bundle

if TYPE_CHECKING:
    from cairn.apps.bundle import App

PROJECT = """
[project]
name = "trial"
version = "0.1.0"
description = "An app of the tests"
dependencies = ["flwr>=1.41.0"]
license = {{ file = "LICENSE" }}
[tool.flwr.app]
publisher = "tests"
fab-format-version = 1
flwr-version-target = "1.41.0"
[tool.flwr.app.components]
serverapp = "trial.server_app:app"
clientapp = "trial.client_app:app"
[tool.flwr.app.config]
started-by = ""
rounds = {rounds}
"""
CLIENT = """
import os, socket, time
from pathlib import Path
import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()
DATA = Path(os.environ["CAIRN_DATA"]) / os.environ["CAIRN_DATASET"]

def answer(message, arrays, metrics=None, **more):
    metrics = MetricRecord(metrics or {{"num-examples": 3}})
    content = {{"arrays": ArrayRecord(arrays), "metrics": metrics}}
    return Message(content=RecordDict({{**content, **more}}), reply_to=message)

def sent(message, arrays):
    return Message(content=RecordDict({{"arrays": arrays}}), reply_to=message)

@app.train()
def train(message, context):
    (weights,) = message.content["arrays"].to_numpy_ndarrays()
    {train}

@app.evaluate()
def evaluate(message, context):
    return Message(
        content=RecordDict({{"metrics": MetricRecord({{"loss": 0.5, "num-examples": 3}})}}),
        reply_to=message,
    )
"""
SERVER = """
import json, os
from pathlib import Path
import numpy as np
from flwr.app import ArrayRecord
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()

@app.main()
def main(grid, context):
    one = {key: 1 for key in ("min_train_nodes", "min_evaluate_nodes", "min_available_nodes")}
    strategy = FedAvg(fraction_train=1.0, fraction_evaluate=1.0, **one)
    weights = ArrayRecord([np.zeros(3)])
    result = strategy.start(
        grid=grid, initial_arrays=weights, num_rounds=context.run_config["rounds"]
    )
    final = [float(one) for one in result.arrays.to_numpy_ndarrays()[0]]
    Path(os.environ["CAIRN_RESULTS"], "final.json").write_text(json.dumps(final))
"""
#: Adds to each weight how many files the data set has.
HONEST = "return answer(message, [weights + len(list(DATA.iterdir()))])"


def app(folder: Path, train: str = HONEST, rounds: int = 1) -> App:
    """Return an app of which the clients do this when they are to train."""
    code = folder / "trial"
    code.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(PROJECT.format(rounds=rounds))
    (folder / "LICENSE").write_text("none\n")
    (code / "__init__.py").write_text("")
    (code / "client_app.py").write_text(CLIENT.format(train=train.replace("\n", "\n    ")))
    (code / "server_app.py").write_text(SERVER)
    return bundle.build(folder)


def flower_python() -> str:
    """Return a Python with the wheels that hosts get; it is made once for each lock."""
    name = f"flower-cp{sys.version_info[0]}{sys.version_info[1]}"
    lock = house.root() / "tools" / "wheels" / f"{name}.txt"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cairn" / "tests"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"{name}-{digest}"
    with (cache / "lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            pip = [
                str(folder / "bin" / "pip"),
                "install",
                "--quiet",
                "--require-hashes",
                "--no-deps",
            ]
            subprocess.run([*pip, "-r", str(lock)], check=True)
            (folder / "whole").touch()
    return str(folder / "bin" / "python")


@dataclass(frozen=True)
class Trial:
    """Runs tasks in one process that has Flower; each ends in a reply or a reason."""

    process: subprocess.Popen[str]
    folder: Path

    def run(self, train: str = HONEST, **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - plain data
        """Have an app train once; `settings` replace parts of the rules.

        Returns:
            `reply` or `refused`, and `account`: the lines that were handed in.
        """
        made = app(self.folder / hashlib.sha256(train.encode()).hexdigest()[:12], train)
        fab = self.folder / f"{made.digest}.fab"
        fab.write_bytes(made.data)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"fab": str(fab), **settings}) + "\n")
        self.process.stdin.flush()
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        return told


def trial(python: str, folder: Path) -> Trial:
    """Start the process that runs tasks; it ends with its standard input."""
    driver = Path(__file__).with_name("driver.py")
    roles = [
        str(house.root() / "roles" / role / "files") for role in ("account", "approval", "freeze")
    ]
    process = subprocess.Popen(
        [python, str(driver), str(folder)],
        env={"PYTHONPATH": ":".join(roles), "FLWR_TELEMETRY_ENABLED": "0", "PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return Trial(process, folder)
