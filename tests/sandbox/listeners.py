"""A machine beyond the sandbox, made of a network namespace, with listeners of our own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cairn.sandbox import commands, reservations

if TYPE_CHECKING:
    from collections.abc import Iterator

_LISTEN = """\
import socket, sys, time
address = sys.argv[1]
for port in map(int, sys.argv[2:]):
    for _ in range(200):
        try:
            server = socket.create_server((address, port))
            break
        except OSError:
            time.sleep(0.05)
    globals()[f"keep_{port}"] = server
print("ready", flush=True)
time.sleep(600)
"""


@contextlib.contextmanager
def elsewhere(*ports: int) -> Iterator[str]:
    """Yield the address of a machine outside the sandbox that listens on some TCP ports."""
    network = reservations.choose_network("elsewhere", reservations.taken_networks().keys())
    ours, theirs = str(network[1]), str(network[2])
    listener = _start(["unshare", "--net"], theirs, ports)
    try:
        _wire(listener.pid, f"{ours}/24", f"{theirs}/24", gateway=ours)
        _wait_until_ready(listener)
        yield theirs
    finally:
        listener.kill()
        listener.wait()
        _run("ip", "link", "delete", "test-elsewhere", check=False)


@contextlib.contextmanager
def on_the_computer(address: str, port: int) -> Iterator[None]:
    """Listen on an address of the computer itself."""
    listener = _start([], address, (port,))
    try:
        _wait_until_ready(listener)
        yield
    finally:
        listener.kill()
        listener.wait()


def _start(prefix: list[str], address: str, ports: tuple[int, ...]) -> subprocess.Popen[str]:
    argv = [*prefix, sys.executable, "-c", _LISTEN, address, *map(str, ports)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=commands.environment())


def _wire(pid: int, ours: str, theirs: str, *, gateway: str) -> None:
    inside = ("nsenter", "--target", str(pid), "--net", "ip")
    _wait_for_own_network(pid)
    _run("ip", "link", "add", "test-elsewhere", "type", "veth", "peer", "eth0", "netns", str(pid))
    _run("ip", "address", "add", ours, "dev", "test-elsewhere")
    _run("ip", "link", "set", "test-elsewhere", "up")
    _run(*inside, "address", "add", theirs, "dev", "eth0")
    _run(*inside, "link", "set", "eth0", "up")
    _run(*inside, "route", "add", "default", "via", gateway)


def _wait_for_own_network(pid: int) -> None:
    mine = Path("/proc/self/ns/net").readlink()
    for _ in range(100):
        if Path(f"/proc/{pid}/ns/net").readlink() != mine:
            return
        time.sleep(0.05)
    raise AssertionError("the listener has no network of its own")


def _wait_until_ready(listener: subprocess.Popen[str]) -> None:
    assert listener.stdout
    assert listener.stdout.readline().strip() == "ready"


def _run(*argv: str, check: bool = True) -> None:
    subprocess.run(argv, check=check, env=commands.environment(), timeout=20)
