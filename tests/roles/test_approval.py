"""Apps on a real host: let in by digest, shut into the agent's own hardened unit, accounted.

The host is hub and hospital at once, with Flower on its loopback.
"""

from __future__ import annotations

import base64
import json
import shlex
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from approval import flower as apps
from cairn import house, sandbox
from cairn.apps import account as read_account
from cairn.plan.roles import (
    account,
    approval,
    certificate,
    fl_agent,
    flower,
    freeze,
    hub_apps,
    storage,
)
from cairn.spec.loader import load
from cairn_freeze import manifest
from freeze.house import administrator, install
from intake.stations import wait_for
from roles.harness import RELEASES, ground

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cairn.apps.bundle import App
    from cairn.plan.context import Context
    from cairn.plan.model import PlannedRole
    from roles.harness import Ground

NODE = "role-approval"
ROLES = ("account", "approval", "hub_apps")
BY = "--by dpo@hospital.example"
LIBEXEC = "/usr/local/libexec/cairn"
WISHES: dict[str, Any] = {
    "kind": "data-provider",
    "datasets": [{"name": "lesions", "description": "Made for tests"}],
    "permits": [
        {
            "id": "P-1",
            "persons": ["ana@hospital.example"],
            "datasets": ["lesions"],
            "expires": "2999-12-31",
            "delete_by": "2999-12-31",
        }
    ],
    "storage": {
        "path": "/srv/imaging",
        "size": "1 GiB",
        "consumers": [
            # The tests look from this computer, which sandbox hosts see on these networks.
            {"name": "tests", "reads": ["lesions"], "comes_from": "198.18.0.0/15"}
        ],
    },
    "fl_agent": {"cores": 1, "memory": "1 GiB", "minutes_per_task": 1},
}
CONFIG = '[superlink]\n[superlink.hub]\naddress = "127.0.0.1:18000"\ninsecure = true\n'
SECRET = "/etc/cairn/fl-agent/superexec.secret"
#: Flower's own parts beside the agent, each a unit of its own, and the port that must be open then.
UNITS = {
    "test-link": ("flower-superlink --host 127.0.0.1 --port 18000 --isolation process", 18000),
    "test-runner": ("flower-superexec --runtime-api-address 127.0.0.1:18000", 18000),
    "test-node": (
        "flower-supernode --superlink 127.0.0.1:18000 --port 9094 --isolation process",
        9094,
    ),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("entry", ["main", "remove"])
def test_the_argument_specs_say_the_same_as_the_defaults(role: str, entry: str) -> None:
    folder = house.root() / "roles" / role
    specs = yaml.safe_load((folder / "meta/argument_specs.yml").read_text())["argument_specs"]
    defaults = yaml.safe_load((folder / "defaults/main.yml").read_text())
    options = specs[entry]["options"]
    assert {name: option["default"] for name, option in options.items()} == defaults


def context_of(box: Ground) -> Context:
    hosts = [
        {"name": "box", "machine": "sandbox", "os": box.os, "runs": ["storage", "pacs", "fl-agent"]}
    ]
    made = box.context(**WISHES, hosts=hosts)
    known = load(house.root() / "nodes" / "demo-hospital-a.yaml").federation
    return replace(made, document=replace(made.document, federation=known))


def planned(box: Ground) -> tuple[PlannedRole, ...]:
    """Return the roles of this module."""
    hub = box.context(hub={"domain": "hub.institute.example", "minimum_sites": 1})
    mine = context_of(box)
    return account.plan(mine), approval.plan(mine), hub_apps.plan(hub)


@pytest.fixture(scope="module", params=RELEASES)
def box(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """A host of each release that trains with itself."""
    host = request.param.replace("debian-", "d")
    try:
        here = ground(NODE, host, request.param, tmp_path_factory.mktemp(host))
        mine = context_of(here)
        install(here, "logrotate")  # and read the lists of packages
        for role in (
            *(one.plan(mine) for one in (certificate, storage, freeze, flower)),
            *planned(here),
        ):
            outcome = here.apply(role)
            assert outcome.failure is None, outcome.failure
        frozen(here)
        federated(here, mine)
        yield here
    finally:
        sandbox.remove(NODE, host)


def frozen(box: Ground) -> None:
    """Put a data set of two images into the storage."""
    s3 = administrator(box)
    s3.create_bucket(Bucket="lesions")
    own = "arn:aws:s3:::lesions"
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": ["fl-agent"]},
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [own, f"{own}/*"],
    }
    policy = {"Version": "2012-10-17", "Statement": [allow]}
    s3.put_bucket_policy(Bucket="lesions", Policy=json.dumps(policy))
    images = {"S1/a/one.dcm": b"DICM one", "S2/a/two.dcm": b"DICM two"}
    about = {"dataset": "lesions", "scans": [], "permit": {"id": "P-1"}, "query": {}}
    entries = [manifest.entry_of(key, data) for key, data in images.items()]
    made = manifest.made(entries, about, before=(), at="2026-11-29T00:00:00+00:00")
    for key, data in {**images, manifest.name(1): manifest.written(made)}.items():
        s3.put_object(Bucket="lesions", Key=key, Body=data)


def federated(box: Ground, context: Context) -> None:
    """Start Flower on the loopback, and the agent in the unit of its role."""
    box.ask("umask 077; mkdir -p /etc/cairn/fl-hub /etc/cairn/federation; "
            "head -c 32 /dev/urandom >/etc/cairn/fl-agent/superexec.secret")  # fmt: skip
    box.ask(f"printf %s {shlex.quote(CONFIG)} >/etc/cairn/fl-hub/config.toml")
    box.ask("touch /etc/cairn/federation/enrolled")
    box.ask("mkdir -p /var/lib/cairn-fl-exec/results")
    for unit, (command, port) in UNITS.items():
        box.ask(
            f"systemd-run --quiet --unit={unit} --setenv=PATH=/opt/cairn/flower/bin:/usr/bin:/bin "
            f"--setenv=FLWR_HOME=/var/lib/{unit} --setenv=HOME=/root "
            "--setenv=FLWR_TELEMETRY_ENABLED=0 --setenv=FLWR_DISABLE_UPDATE_CHECK=1 "
            "--setenv=CAIRN_RESULTS=/var/lib/cairn-fl-exec/results "
            f"/opt/cairn/flower/bin/{command} --insecure --superexec-auth-secret-file {SECRET}"
        )
        box.ask(f"timeout 60 sh -c 'until ss -Hlnt | grep -q 127.0.0.1:{port}; do sleep 0.5; done'")
    unit = "/etc/systemd/system/cairn-fl-agent.service"
    text = box.files(fl_agent.plan(context))[unit].content
    box.ask(f"printf %s {shlex.quote(text)} >{unit}; systemctl daemon-reload")
    box.ask("systemctl start cairn-fl-agent")


def submitted(box: Ground, app: App) -> str:
    sent = {"name": "tests/trial", "version": "0.1.0", "by": "ops@hub.example", "signature": "",
            "data": base64.b64encode(app.data).decode()}  # fmt: skip
    box.ask(f"printf %s {shlex.quote(json.dumps(sent))} | {LIBEXEC}/hub-apps submit")
    return app.digest


def ran(box: Ground, app: App) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run an app to its end; return what the hub says, and the lines of the account."""
    begun = json.loads(
        box.ask(f"{LIBEXEC}/hub-apps run {submitted(box, app)} --by ops@hub.example")
    )
    end = time.monotonic() + 240
    while not (told := json.loads(box.ask(f"{LIBEXEC}/hub-apps look {begun['run']}")))["ended"]:
        assert time.monotonic() < end, told
        time.sleep(1)
    lines, _ = read_account.read(box.ask(f"{LIBEXEC}/agent-apps runs"), "box")
    return told, [line for line in lines if line.get("run") == begun["run"]]


def reason(lines: list[dict[str, Any]], event: str) -> str:
    return next(str(line["why"]) for line in lines if line["event"] == event)


def approve(box: Ground, app: App) -> None:
    box.ask(f"{LIBEXEC}/agent-apps approve {app.digest} --dataset lesions --permit P-1 {BY}")


@pytest.mark.sandbox
def test_an_approved_app_trains_and_all_of_it_is_accounted(box: Ground, tmp_path: Path) -> None:
    app = apps.app(tmp_path)
    approve(box, app)
    told, lines = ran(box, app)
    assert told["status"] == "finished:completed", (told, lines)
    assert box.ask(f"cat {told['folder']}/final.json") == "[2.0, 2.0, 2.0]"
    assert [line["event"] for line in lines] == ["started", *["began", "ended"] * 2, "finished"]
    assert lines[2]["samples"] == 3
    assert lines[2]["manifest"].startswith("sha256:")


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("train", "why"),
    [
        ("socket.create_connection(('127.0.0.1', 9094), 2)", "PermissionError"),
        ("while True: os.fork()", "and was ended"),
    ],
)
def test_what_an_app_may_not_ends_its_task_and_nothing_else(
    box: Ground, tmp_path: Path, train: str, why: str
) -> None:
    app = apps.app(tmp_path, train)
    approve(box, app)
    told, lines = ran(box, app)
    assert told["status"] != "finished:completed"
    assert why in reason(lines, "ended")
    assert box.ask("pgrep bwrap || true") == ""
    assert box.ask("systemctl is-active cairn-fl-agent") == "active"


@pytest.mark.sandbox
def test_what_is_revoked_is_refused_and_its_data_go(box: Ground, tmp_path: Path) -> None:
    app = apps.app(tmp_path)
    approve(box, app)
    box.ask(f"for one in $({LIBEXEC}/agent-apps list | grep -o '[0-9a-f]\\{{64\\}}'); do "
            f"{LIBEXEC}/agent-apps revoke $one {BY}; done")  # fmt: skip
    told, lines = ran(box, app)
    assert told["status"] != "finished:completed"
    assert "has not approved" in reason(lines, "refused")
    wait_for(lambda: box.ask("find /var/cache/cairn-fl-agent -name '*.dcm'") == "", "data stay")


@pytest.mark.sandbox
@pytest.mark.parametrize(
    "harm",
    [
        "echo x >>/etc/cairn/fl-agent/approved.json",
        "echo x >>/etc/cairn/fl-agent/rules.json",
        "ls /var/lib/cairn-account",
        "echo x >>/usr/local/libexec/cairn/approval/bin/flwr-clientapp",
        "echo x >>/usr/local/lib/cairn/cell.bpf",
        f"{LIBEXEC}/agent-apps list",
    ],
)
def test_the_agent_decides_and_rewrites_nothing(box: Ground, harm: str) -> None:
    inner = shlex.quote(f"cd /; {harm}")
    answer = box.ssh(
        f"sudo setpriv --reuid=cairn-fl-agent --regid=cairn-fl-agent --clear-groups sh -c {inner}"
    )
    assert answer.returncode != 0


@pytest.mark.sandbox
def test_an_account_that_was_changed_stops_the_role(box: Ground) -> None:
    file = "/var/lib/cairn-account/*.jsonl"
    box.ask(f"cp -a {file} /root/kept.jsonl; sed -i '2s/20/19/' {file}")
    assert box.ssh(f"sudo {LIBEXEC}/account verify").returncode == 1
    failed = box.apply(planned(box)[0]).failure
    box.ask(f"for one in {file}; do cat /root/kept.jsonl >$one; done")
    assert "is not what was written" in str(failed)
    assert json.loads(box.ask(f"{LIBEXEC}/account verify"))["lines"] > 2


@pytest.mark.sandbox
def test_services_are_shut_in(box: Ground) -> None:
    for unit in ("cairn-fl-agent", "cairn-account@x", "cairn-fl-tidy", "cairn-app-run@x"):
        told = box.ask(f"systemd-analyze security --no-pager {unit}.service | tail -n 1")
        assert float(told.split(":")[1].split()[0]) <= 3.0, told


@pytest.mark.sandbox
def test_a_second_run_and_a_look_change_nothing(box: Ground) -> None:
    for role in planned(box):
        for how in ({}, {"check": True}):
            outcome = box.apply(role, **how)
            assert outcome.failure is None, outcome.failure
            assert [change.task for change in outcome.changes] == []


@pytest.mark.sandbox
def test_removal_keeps_decisions_and_account(box: Ground) -> None:
    for role in reversed(planned(box)):
        assert box.apply(role, tasks_from="remove").failure is None
    assert box.ask("ls /etc/cairn/fl-agent/approved.json") != ""
    assert box.ask("ls /var/lib/cairn-account") != ""
    assert box.ask(f"ls {LIBEXEC}/agent-apps {LIBEXEC}/hub-apps 2>/dev/null || true") == ""
