"""What happens after faults: killed containers, cut starts, two at once, a lost cache, a reboot."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from cairn import sandbox
from cairn.errors import SandboxError
from cairn.sandbox import machine, network, places, records
from cairn.sandbox.processes import Process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.hosts import Host

pytestmark = pytest.mark.sandbox


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.3)


def test_a_killed_host_is_told_and_the_next_start_brings_it_back_with_what_it_had(
    start_host: Callable[..., Host],
) -> None:
    host = start_host("killed")
    host.says("echo mine | sudo tee /etc/mine; sync")
    kill(host.running.pid)
    assert sandbox.find("testing", "killed") is None
    again = start_host("killed")
    assert again.running.pid != host.running.pid
    assert again.running.connection == host.running.connection
    assert again.says("cat /etc/mine") == "mine"


def test_a_killed_host_leaves_no_process_once_it_is_removed(
    start_host: Callable[..., Host],
) -> None:
    host = start_host("killed")
    [child] = psutil.Process(host.running.pid).children()
    inner = Process.of(child.pid)
    kill(host.running.pid)
    assert inner.lives()
    sandbox.remove("testing", "killed")
    assert not inner.lives()


def test_a_restart_powers_off_cleanly_and_keeps_address_and_key(
    start_host: Callable[..., Host],
) -> None:
    host = start_host("killed")
    running = sandbox.restart("testing", "killed")
    assert running.connection == host.running.connection
    assert running.pid != host.running.pid


def test_a_host_that_does_not_exist_cannot_be_restarted(own_checkout: Path) -> None:
    with pytest.raises(SandboxError, match="no sandbox host testing/none; run `cairn sandbox list"):
        sandbox.restart("testing", "none")


def test_stopping_and_removing_what_is_not_there_does_nothing(own_checkout: Path) -> None:
    sandbox.stop("testing", "none")
    sandbox.remove("testing", "none")
    assert not places.of_host("testing", "none").folder.exists()


def test_two_starts_at_once_give_one_host(start_host: Callable[..., Host]) -> None:
    pids: list[int] = []
    starts = [
        threading.Thread(target=lambda: pids.append(start_host("twice").running.pid))
        for _ in range(2)
    ]
    for each in starts:
        each.start()
    for each in starts:
        each.join()
    assert len(pids) == 2
    assert len(set(pids)) == 1


def test_a_start_cut_while_the_host_was_furnished_is_begun_anew(
    start_host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("cairn.sandbox.furnishing.furnish", cut)
        with pytest.raises(KeyboardInterrupt):
            start_host("cut")
    here = places.of_host("testing", "cut")
    (here.upper / "etc").mkdir(exist_ok=True)
    (here.upper / "etc/half-made").touch()
    assert start_host("cut").run("test -e /etc/half-made").returncode == 1


def test_a_host_that_does_not_boot_is_an_error_with_its_log_and_leaves_no_process(
    start_host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(machine, "_command", lambda *_: ["sh", "-c", "echo no kernel; exit 1"])
        with pytest.raises(SandboxError) as caught:
            start_host("broken")
    assert "testing/broken ended while it booted: its log" in str(caught.value)
    assert str(caught.value).endswith("boot.log ends with: no kernel")
    assert sandbox.find("testing", "broken") is None
    assert not os.path.ismount(places.of_host("testing", "broken").root)


def test_a_dead_package_cache_comes_back_with_the_next_start(
    start_host: Callable[..., Host],
) -> None:
    host = start_host("killed")
    known = places.read_json(places.sandbox() / "package-cache" / "process.json")
    kill(known["pid"])
    assert not host.reaches(gateway_of("killed"), 3142)
    start_host("killed")
    assert host.reaches(gateway_of("killed"), 3142)


def test_after_a_reboot_of_the_computer_the_host_starts_from_its_stale_record(
    start_host: Callable[..., Host],
) -> None:
    host = start_host("killed")
    record = records.find("testing", "killed")
    assert record
    assert record.process
    sandbox.stop("testing", "killed")
    # Another process has the number by now; a reboot leaves neither bridge nor mount.
    other = dataclasses.replace(record.process, pid=os.getpid())
    records.keep(dataclasses.replace(record, process=other))
    network.cut(places.bridge())
    again = start_host("killed")
    assert again.running.connection == host.running.connection


def test_a_volume_outlives_its_host_until_its_deletion_is_asked_for(
    start_host: Callable[..., Host],
) -> None:
    volumes = ["/srv/imaging", "/srv/never-used"]
    # An empty folder is data as well: a bucket that nothing was put into yet, for one.
    start_host("keeper", volumes=volumes).says("sudo mkdir /srv/imaging/kept")
    folder = places.volumes("testing", "keeper")
    sandbox.remove("testing", "keeper")
    assert [path.name for path in (folder / "srv").iterdir()] == ["imaging"]
    again = start_host("keeper", volumes=volumes)
    assert again.says("ls /srv/imaging") == "kept"
    sandbox.remove("testing", "keeper", delete_data=True)
    assert not folder.exists()


def gateway_of(host: str) -> str:
    return sandbox.reserve("testing", host).gateway
