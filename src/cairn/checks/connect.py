"""Reaches hosts through testinfra: one pinned SSH connection each, or this computer itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testinfra.backend.base import BaseBackend
from testinfra.backend.local import LocalBackend
from testinfra.backend.ssh import SshBackend
from testinfra.host import Host

from cairn.errors import VerifyFailed
from cairn.spec.references import value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Seconds that one command may take before the connection is given up; the slowest question
#: (`apt-get --simulate`) takes about two.
PATIENCE_S = 60
#: Seconds to wait for a host to answer at all.
CONNECT_S = 8


@contextmanager
def connected(name: str, connection: Mapping[str, Any] | None) -> Iterator[Host]:
    """Give a testinfra host that runs commands as root, and close the connection afterwards.

    Args:
        name: Name of the host.
        connection: How it is reached; None for a sandbox host that does not run.

    Raises:
        VerifyFailed: It cannot be reached, shows another key, or gives no root.
    """
    if connection is None:
        raise VerifyFailed(f"{name} does not run; `cairn up` starts it")
    folder = Path(tempfile.mkdtemp(prefix="cairn-"))
    try:
        yield Host(_backend(name, connection, folder))
    finally:
        with suppress(OSError, subprocess.TimeoutExpired):
            if (folder / "config").exists():
                close = ["ssh", "-F", str(folder / "config"), "-O", "exit", name]
                subprocess.run(close, capture_output=True, timeout=5, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _backend(name: str, connection: Mapping[str, Any], folder: Path) -> BaseBackend:
    password = _password(connection.get("become_password"))
    if connection["local"]:
        return _Local(name, password, sudo=os.geteuid() != 0)
    if not connection.get("host_key"):
        raise VerifyFailed(
            f"{name} has no pinned host key; compare the key at its console and write it into "
            "machine.host_key"
        )
    _write_config(name, connection, folder)
    return _Ssh(name, folder / "config", password, sudo=connection["user"] != "root")


def _write_config(name: str, connection: Mapping[str, Any], folder: Path) -> None:
    """Write an SSH configuration that trusts the pinned key and nothing else."""
    known = f"{name} {connection['host_key']}\n"
    (folder / "known_hosts").write_text(known, encoding="utf-8")
    key = connection.get("key_file")
    lines = {
        "HostName": connection["address"],
        "Port": connection["port"],
        "User": connection["user"],
        "HostKeyAlias": name,
        "UserKnownHostsFile": folder / "known_hosts",
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "BatchMode": "yes",
        "ConnectTimeout": CONNECT_S,
        "ServerAliveInterval": 5,
        "ControlPath": folder / "control",
        **({"IdentityFile": key, "IdentitiesOnly": "yes"} if key else {}),
    }
    text = "".join(f"    {word} {value}\n" for word, value in lines.items())
    (folder / "config").write_text(f"Host {name}\n{text}", encoding="utf-8")


def _password(reference: str | None) -> str | None:
    """Read the password of sudo from where the spec says it is."""
    if reference is None:
        return None
    try:
        return value_of(reference).rstrip("\n")
    except LookupError:
        raise VerifyFailed(f"the password of sudo cannot be read from {reference}") from None


@dataclass
class _Answer:
    """A command's answer in the form of testinfra's CommandResult, bytes read forgivingly."""

    rc: int
    stdout: str
    stderr: str


class _Asking(BaseBackend):  # type: ignore[misc]
    """Hands sudo its password, gives up on commands that hang, and takes any bytes for text."""

    password: str | None = None

    def get_sudo_command(self, command: str, sudo_user: str | None) -> str:
        """Return the command as root; without a password sudo may not ask for one."""
        del sudo_user
        ask = "sudo -S -p ''" if self.password is not None else "sudo -n"
        line: str = self.quote(f"{ask} /bin/sh -c %s", command)
        return line

    def run_local(self, command: str, *args: str) -> _Answer:
        """Run a command on this computer: ssh itself, or the shell where the host is local."""
        try:
            done = subprocess.run(  # noqa: S602 - testinfra builds a line, each word of it quoted
                self.quote(command, *args),
                shell=True,
                input=(self.password or "").encode() + b"\n",
                capture_output=True,
                timeout=PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise VerifyFailed(f"{self.hostname} gave no answer in {PATIENCE_S} seconds") from None
        return _Answer(
            done.returncode,
            done.stdout.decode(errors="replace"),
            done.stderr.decode(errors="replace"),
        )


class _Local(_Asking, LocalBackend):  # type: ignore[misc]
    def __init__(self, name: str, password: str | None, *, sudo: bool) -> None:
        super().__init__(sudo=sudo)
        self.hostname = name
        self.password = password

    def run(self, command: str, *args: str, **_: Any) -> _Answer:  # noqa: ANN401 - testinfra's
        """Run a command as root."""
        return self.run_local(self.get_command(command, *args))


class _Ssh(_Asking, SshBackend):  # type: ignore[misc]
    def __init__(self, name: str, config: Path, password: str | None, *, sudo: bool) -> None:
        super().__init__(name, ssh_config=str(config), timeout=CONNECT_S, sudo=sudo)
        self.password = password
        self._lost: str | None = None

    def run_ssh(self, command: str) -> _Answer:
        """Run a command over the one connection; once that is lost, nothing waits for it again."""
        if self._lost is None:
            line, words = self._build_ssh_command(command)
            answer = self.run_local(" ".join(line), *words)
            # ssh itself ends with 255; what it ran ends with something else, or a mark is missing.
            if answer.rc != 255:  # noqa: PLR2004 - ssh(1), EXIT STATUS
                return answer
            self._lost = _reason(answer.stderr)
        raise VerifyFailed(f"{self.hostname} cannot be reached: {self._lost}")


def _reason(stderr: str) -> str:
    """Say in one line why ssh failed."""
    if "HOST IDENTIFICATION HAS CHANGED" in stderr or "Host key verification failed" in stderr:
        return "it shows another host key than the pinned one; do not go on before you know why"
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[-1].removeprefix("ssh: ") if lines else "ssh gave no reason"
