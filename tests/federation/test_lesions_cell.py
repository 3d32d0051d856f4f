"""The application `lesions` in a node's cell: it finds its data, and its answers may leave."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lesion_phantoms
import pytest

from approval.flower import flower_python
from cairn import house
from cairn.apps import bundle
from lesions import masks
from lesions.model import SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGES = 20
SETTINGS = {"epsilon": 8.0, "delta": 1e-5, "rounds": 1, "round": 1, "baseline": True}


class Node:
    """A node that runs tasks of the application."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, kind: str, **wish: Any) -> dict[str, Any]:  # noqa: ANN401 - plain data
        """Run a task and return what the reply says, or `refused`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"kind": kind, **wish}) + "\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def train(self, privacy: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - plain data
        """Have it learn from nothing."""
        config = {**SETTINGS, "privacy": privacy, **more.pop("config", {})}
        return self.ask("train", arrays={"model": [0.0] * SIZE}, config=config, **more)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Yield a node with the images of a site, and none of an earlier run's memory."""
    lesion_phantoms.write("a", tmp_path / "data", IMAGES)
    fab = tmp_path / "lesions.fab"
    fab.write_bytes(bundle.build(house.root() / "federation" / "apps" / "lesions").data)
    roles = ":".join(
        str(house.root() / "roles" / role / "files") for role in ("account", "approval", "freeze")
    )
    (tmp_path / "node").mkdir()
    words = [flower_python(), str(Path(__file__).with_name("in_cell.py")), str(fab)]
    with subprocess.Popen(
        [*words, str(tmp_path / "data"), str(tmp_path / "node")],
        env={"PYTHONPATH": roles, "FLWR_TELEMETRY_ENABLED": "0", "PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield Node(process)


def test_a_site_learns_in_its_cell_and_tells_the_manifest_that_the_node_told(node: Node) -> None:
    answer = node.train("none")
    assert answer["arrays"] == {"model": [SIZE], "alone": [SIZE]}
    assert answer["told"]["manifest"] == "sha256:feed"
    assert answer["told"]["dataset"] == "lesions"
    assert 0 < answer["metrics"]["num-examples"] < IMAGES
    tested = node.ask("evaluate", arrays={"common": [0.0] * SIZE})
    assert sum(tested["metrics"]["common"]) == tested["metrics"]["num-examples"]


def test_the_key_of_a_site_stays_in_its_memory_from_task_to_task(node: Node) -> None:
    own = node.ask("query")["told"]["key"]
    keys = {"key:a": own, "key:b": masks.key_pair()[1].hex()}
    answer = node.train("secagg", config=keys)
    assert answer["arrays"] == {"masked": [SIZE + 1]}
    again = node.train("secagg", config=keys)
    assert "no unused key" in again["told"]["refused"]


def test_what_the_spec_asks_of_output_reaches_the_application(node: Node) -> None:
    refused = node.train("none", output={"secure_aggregation": True})["told"]["refused"]
    assert "only with secure aggregation" in refused
    refused = node.train("dp", output={"epsilon": 3.0})["told"]["refused"]
    assert "epsilon 3 or less" in refused
    assert node.train("dp", output={"epsilon": 8.0})["arrays"] == {"model": [SIZE]}
