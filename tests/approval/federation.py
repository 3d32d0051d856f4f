"""A real hub and node of Flower on the loopback, with the role's program for tasks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cairn import house

if TYPE_CHECKING:
    from collections.abc import Iterator

#: As the role installs it, with the places of this test.
PROGRAM = """#!{python} -IB
import os, sys
sys.path[:0] = {paths}
from pathlib import Path
from cairn_account import handing
from cairn_approval import cell, fetching, holding, task
folder = Path({folder!r})
cell.FILTER = folder / "cell.bpf"
holding.COPIES = folder / "copies"
copy = {{"folder": str(folder / "data"), "manifest": "sha256:feed", "version": 1}}
fetching.copy = lambda _: copy
tell = handing.tell
handing.tell = lambda event, words: tell(event, words, folder / "account.sock")
task.main(folder)
"""
RULES: dict[str, Any] = {
    "node": "hospital-a",
    "datasets": ["lesions"],
    "permits": [{"id": "P-1", "datasets": ["lesions"], "expires": "2999-12-31"}],
    "output": {"types": ["numpy", "json"], "at_most": 2**20, "secure_aggregation": False},
    "limits": {"cores": 1, "memory": 2**30, "processes": 64, "seconds": 60},
    "storage": None,
}


@dataclass(frozen=True)
class Federation:
    """What a test may act on.

    Attributes:
        python: A Python with Flower.
        home: FLWR_HOME of the command line.
        node: Folder with rules, list of approved apps, data, and the account of the node.
        results: Where the hub's part of an app writes.
    """

    python: str
    home: Path
    node: Path
    results: Path

    def approve(self, *apps: str) -> None:
        """Let apps run, and no others."""
        one = {"dataset": "lesions", "permit": "P-1", "by": "dpo@hospital.example"}
        text = json.dumps({"format": "cairn-approvals/1", "apps": dict.fromkeys(apps, one)})
        (self.node / "approved.json").write_text(text)


@contextmanager
def federation(python: str, folder: Path) -> Iterator[Federation]:
    """Run a hub and a node on the loopback until the block ends."""
    made = Federation(python, folder / "home", folder / "node", folder / "results")
    for one in (made.home, made.node / "data", made.results, made.node / "bin"):
        one.mkdir(parents=True)
    (made.node / "rules.json").write_text(json.dumps(RULES))
    for name in ("one.dcm", "two.dcm"):
        (made.node / "data" / name).write_bytes(b"DICM")
    made.approve()
    link, tasks = _port(), _port()
    config = f'[superlink]\ndefault = "hub"\n[superlink.hub]\naddress = "127.0.0.1:{link}"\n'
    (made.home / "config.toml").write_text(config + "insecure = true\n")
    secret = folder / "secret"
    secret.write_bytes(os.urandom(32))
    _program(made)
    at, known = ("--host", "127.0.0.1"), ("--superexec-auth-secret-file", str(secret))
    with ExitStack() as stack:
        stack.enter_context(_account(made.node))

        def start(name: str, path: str, *words: str) -> None:
            stack.enter_context(_process(made, folder / f"{name}.log", path, name, *words))

        bin_folder = str(Path(python).parent)
        split = ("--isolation", "process", *known)
        start("flower-superlink", bin_folder, "--insecure", *at, "--port", str(link), *split)
        _answers(link)
        start("flower-superexec", bin_folder, "--insecure", "--runtime-api-address",
              f"127.0.0.1:{link}", *known)  # fmt: skip
        start("flower-supernode", bin_folder, "--insecure", "--superlink", f"127.0.0.1:{link}",
              *at, "--port", str(tasks), *split)  # fmt: skip
        _answers(tasks)
        start("flower-superexec", str(made.node / "bin"), "--insecure", "--runtime-api-address",
              f"127.0.0.1:{tasks}", *known)  # fmt: skip
        yield made


def _program(made: Federation) -> None:
    files = house.root() / "roles"
    paths = [str(files / role / "files") for role in ("account", "approval", "freeze")]
    program = made.node / "bin" / "flwr-clientapp"
    text = PROGRAM.format(python=made.python, paths=paths, folder=str(made.node))
    program.write_text(text)
    program.chmod(0o755)
    make_filter(made.node)


def make_filter(folder: Path) -> Path:
    """Make the filter of system calls in a folder, as the role makes it."""
    target = folder / "cell.bpf"
    source = (house.root() / "roles/approval/files/make-cell-filter").read_text()
    source = source.replace("/usr/local/lib/cairn/cell.bpf", str(target))
    subprocess.run(
        ["/usr/bin/python3", "-", "make"],
        input=source, text=True, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return target


@contextmanager
def _process(made: Federation, log: Path, path: str, name: str, *words: str) -> Iterator[None]:
    program = Path(made.python).parent / name
    with log.open("ab") as out, subprocess.Popen(
        [program, *words],
        env={"PATH": path, "HOME": str(made.home), "FLWR_HOME": str(log.with_suffix("")),
             "FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1",
             "NO_PROXY": "127.0.0.1", "CAIRN_RESULTS": str(made.results)},
        stdin=subprocess.DEVNULL, stdout=out, stderr=out,
    ) as child:  # fmt: skip
        try:
            yield
        finally:
            child.terminate()


@contextmanager
def _account(node: Path) -> Iterator[None]:
    """Take lines at a socket, as systemd lets the program of the role do it."""
    from cairn_account.__main__ import record  # noqa: PLC0415 - of the role

    (node / "account").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(node / "account.sock"))
        listener.listen()

        def serve() -> None:
            with suppress(OSError):
                while True:
                    with listener.accept()[0] as link:
                        record(link, node / "account")

        threading.Thread(target=serve, daemon=True).start()
        yield
        listener.shutdown(socket.SHUT_RDWR)


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _answers(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with (
            suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2),
        ):
            return
        time.sleep(0.2)
    sys.exit(f"nothing answers on port {port}")
