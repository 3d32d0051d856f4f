"""Results of runs on a real hub: into the bucket from the hardened unit, and nothing lost.

Flower is a script here that says that a run is over.
"""

from __future__ import annotations

import base64
import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from cairn import sandbox
from cairn.apps import account as read_account
from cairn.plan.roles import account, certificate, hub_apps, storage
from cairn.provider import bucket_state
from intake.stations import wait_for
from roles.harness import RELEASES, ground
from roles.test_storage import as_administrator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.plan.context import Context
    from cairn.plan.model import PlannedRole
    from roles.harness import Ground

NODE = "role-hub-apps"
RUNS = "/var/lib/cairn-apps/results"
WRITTEN = "/var/lib/cairn-fl-exec/results"
PROGRAM = "/usr/local/libexec/cairn/hub-apps"
#: Stands for the Python that has Flower, as far as a run is watched.
FLOWER = "/opt/cairn/flower/bin/python"
STORAGE = {"path": "/srv/federation", "size": "1 GiB"}
TRAFFIC = {"inbound-bytes": 1, "outbound-bytes": 2}


def context_of(box: Ground) -> Context:
    runs = ["hub-fl", "storage"]
    hosts = [{"name": "box", "machine": "sandbox", "os": box.os, "runs": runs}]
    return box.context(storage=STORAGE, hosts=hosts)


def planned(box: Ground) -> PlannedRole:
    return hub_apps.plan(context_of(box))


@pytest.fixture(scope="module", params=RELEASES)
def box(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """A hub of each release, as far as its apps and its storage go."""
    host = request.param.replace("debian-", "d")
    try:
        here = ground(NODE, host, request.param, tmp_path_factory.mktemp(host))
        # The folder is made by the role `hub_fl`.
        here.ask("apt-get update --quiet; mkdir -p /etc/cairn/fl-hub")
        mine = context_of(here)
        for role in (account, hub_apps, certificate, storage):
            outcome = here.apply(role.plan(mine))
            assert outcome.failure is None, outcome.failure
        as_administrator(here, lambda client: with_bucket(client, mine))
        yield here
    finally:
        sandbox.remove(NODE, host)


def with_bucket(client: Any, mine: Context) -> None:  # noqa: ANN401 - boto3 has no types
    (bucket,) = storage.plan(mine).buckets
    wanted = bucket_state.settings_of(
        {"name": bucket.name, "versioning": bucket.versioning, "writers": bucket.writers}
    )
    bucket_state.make(client, bucket.name, wanted)
    found = bucket_state.look(client, bucket.name)
    assert found is not None
    bucket_state.change(client, bucket.name, found, wanted)


def ended(box: Ground, run: str, model: str, follower: str = "") -> None:
    """Have a run end, with what it wrote, and what follows it start."""
    told = {"run-id": run, "status": "finished:completed", "network-traffic": TRAFFIC}
    answer = json.dumps({"success": True, "runs": [told]})
    begun = {"run": run, "app": 64 * "a", "name": "tests/trial", "version": "1", "sites": 2,
             "by": "ops@hub.example"}  # fmt: skip
    for file, text in {
        FLOWER: f"#!/bin/sh\necho {shlex.quote(answer)}\n",
        f"{RUNS}/{run}/begun.json": json.dumps(begun),
        f"{WRITTEN}/model.npz": model,
        f"{WRITTEN}/model-card.md": "# A model\n",
    }.items():
        box.ask(f"mkdir -p $(dirname {file}); printf %s {shlex.quote(text)} > {file}")
    box.ask(f"chmod 0755 {FLOWER}; systemctl restart {follower or f'cairn-app-run@{run}'}")


def there(box: Ground, run: str) -> set[str]:
    return set(box.ask(f"ls {RUNS}/{run}").split())


def fetched(box: Ground, run: str) -> dict[str, bytes]:
    files = json.loads(box.ask(f"{PROGRAM} fetch {run}"))["files"]
    return {name: base64.b64decode(text) for name, text in files.items()}


@pytest.mark.sandbox
def test_a_second_look_finds_nothing_to_change(box: Ground) -> None:
    for how in ({"check": True}, {}):
        outcome = box.apply(planned(box), **how)
        assert (outcome.failure, outcome.changes) == (None, ())


@pytest.mark.sandbox
def test_results_leave_the_disk_for_the_bucket(box: Ground) -> None:
    ended(box, "7", "numbers")
    wait_for(lambda: "stored.json" in there(box, "7"), "the results stay on the disk")
    wait_for(lambda: "ended.json" in there(box, "7"), "the run does not end")
    assert there(box, "7").isdisjoint({"model.npz", "model-card.md"})
    assert fetched(box, "7") == {"model.npz": b"numbers", "model-card.md": b"# A model\n"}
    kept = as_administrator(
        box, lambda client: client.get_object(Bucket="results", Key="7/model.npz")["Body"].read()
    )
    assert kept == b"numbers"


@pytest.mark.sandbox
def test_a_storage_that_is_down_when_a_run_ends_gets_the_results_later(box: Ground) -> None:
    box.ask("systemctl stop cairn-s3")
    try:
        ended(box, "8", "other numbers")
        wait_for(lambda: "ended.json" in there(box, "8"), "the run does not end")
        assert {"model.npz", "model-card.md"} <= there(box, "8")
        assert fetched(box, "8")["model.npz"] == b"other numbers"
        assert not box.ssh(f"sudo {PROGRAM} kept").stdout
    finally:
        box.ask("systemctl start cairn-s3")
    wait_for(lambda: "stored.json" in there(box, "8"), "nobody tries again")
    assert fetched(box, "8")["model.npz"] == b"other numbers"
    sound = json.loads(box.ask(f"{PROGRAM} kept"))["runs"]
    assert {one["run"]: one["sound"] for one in sound}["8"] is True
    lines, _ = read_account.read(box.ask(f"{PROGRAM} runs"), "box")
    assert [line["event"] for line in read_account.of_run(lines, "8")] == ["finished"]


@pytest.mark.sandbox
def test_a_run_that_a_restart_of_the_host_left_behind_is_ended(box: Ground) -> None:
    ended(box, "9", "last numbers", follower="cairn-app-runs")
    wait_for(lambda: "stored.json" in there(box, "9"), "nobody follows the run")
    assert fetched(box, "9")["model.npz"] == b"last numbers"
    assert box.ask("systemctl is-enabled cairn-app-runs") == "enabled"


@pytest.mark.sandbox
def test_removal_keeps_results_and_leaves_no_unit(box: Ground) -> None:
    outcome = box.apply(planned(box), tasks_from="remove")
    assert outcome.failure is None, outcome.failure
    assert box.ask("systemctl list-unit-files --no-legend 'cairn-app-run*' || true") == ""
    assert box.ask(f"ls {RUNS}").split()
    assert box.ssh(f"test -e {PROGRAM}").returncode == 1
