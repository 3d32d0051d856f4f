"""What sandbox hosts and runs could leave behind is seen."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from cairn.sandbox import control_group

if TYPE_CHECKING:
    from conftest import Checkout

SCRIPT = "tools/computer-state"


@pytest.mark.parametrize("name", ["systemd-nspawn", "pulumi", "ansible-playbook"])
def test_a_process_that_was_left_is_named(checkout: Checkout, name: str) -> None:
    sleep = shutil.which("sleep")
    assert sleep is not None
    program = shutil.copy(sleep, checkout.programs / name)
    process = checkout.start(str(program), "60")
    try:
        _wait_for(checkout, f"process {process.pid} {program} 60")
    finally:
        process.kill()
        process.communicate()
    assert f"process {process.pid} " not in checkout.run(SCRIPT)[1]


def test_an_ordinary_process_is_nobody_s_business(checkout: Checkout) -> None:
    process = checkout.start("sleep", "60")
    try:
        assert f"process {process.pid} " not in checkout.run(SCRIPT)[1]
    finally:
        process.kill()
        process.communicate()


def test_mounts_and_links_are_listed(checkout: Checkout) -> None:
    lines = checkout.run(SCRIPT)[1].splitlines()
    assert "mount /proc" in lines
    assert "network link lo" in lines


@pytest.mark.sandbox
def test_a_bridge_and_a_firewall_table_that_were_left_are_named(checkout: Checkout) -> None:
    checkout.run("ip", "link", "add", "name", "cairn-left", "type", "bridge")
    checkout.run("nft", "add", "table", "inet", "cairn_left")
    try:
        lines = checkout.run(SCRIPT)[1].splitlines()
    finally:
        checkout.run("ip", "link", "delete", "cairn-left")
        checkout.run("nft", "delete", "table", "inet", "cairn_left")
    assert "network link cairn-left" in lines
    assert "firewall table inet cairn_left" in lines


@pytest.mark.parametrize(("environment", "seen"), [("another/.venv", False), (".venv", True)])
def test_the_processes_of_another_checkout_are_left_out_on_demand(
    checkout: Checkout, environment: str, *, seen: bool
) -> None:
    sleep = shutil.which("sleep")
    assert sleep is not None
    checkout.variables["VIRTUAL_ENV"] = str(checkout.root / environment)
    program = shutil.copy(sleep, checkout.programs / "pulumi")
    process = checkout.start(str(program), "60")
    line = f"process {process.pid} {program} 60"
    try:
        _wait_for(checkout, line)
        own = checkout.run(SCRIPT, str(checkout.root / "houses"))[1].splitlines()
    finally:
        process.kill()
        process.communicate()
    assert (line in own) == seen
    assert "mount /proc" in own


@pytest.mark.sandbox
@pytest.mark.parametrize(("owner", "seen"), [("elsewhere", False), ("houses/one", True)])
def test_the_sandbox_of_another_checkout_is_left_out_on_demand(
    checkout: Checkout, owner: str, *, seen: bool
) -> None:
    record = checkout.root / "sandboxes" / "1eff1eff" / "hosts.json"
    record.parent.mkdir(parents=True)
    script = checkout.root / SCRIPT
    script.write_text(
        script.read_text().replace("/var/lib/cairn/sandboxes", str(checkout.root / "sandboxes"))
    )
    record.write_text(
        json.dumps({"a/b": {"checkout": str(checkout.root.parent / owner)}}, indent=1)
    )
    checkout.run("nft", "add", "table", "inet", "cairn_1eff1e")
    try:
        own = checkout.run(SCRIPT, str(checkout.root.parent / "houses"))[1].splitlines()
    finally:
        checkout.run("nft", "delete", "table", "inet", "cairn_1eff1e")
    assert ("firewall table inet cairn_1eff1e" in own) == seen


def _wait_for(checkout: Checkout, line: str) -> None:
    """Wait until the started process has become its program."""
    deadline = time.monotonic() + 10
    while line not in checkout.run(SCRIPT)[1].splitlines():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.sandbox
def test_a_package_cache_that_was_started_anew_is_the_same_one(checkout: Checkout) -> None:
    sleep = shutil.which("sleep")
    assert sleep is not None
    program = shutil.copy(sleep, checkout.programs / "apt-cacher-ng")
    name = "cairn-0a1b2c-package-cache"
    seen = []
    for _ in range(2):
        process = checkout.start(*control_group.enter(name), str(program), "60")
        try:
            _wait_for(checkout, f"process of {name}")
            seen.append([line for line in checkout.run(SCRIPT)[1].splitlines() if name in line])
        finally:
            process.kill()
            process.communicate()
            control_group.leave(name)
    assert seen == [[f"process of {name}"]] * 2
    assert f"process of {name}" not in checkout.run(SCRIPT)[1]
