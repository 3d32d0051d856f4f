"""The private folder of Ansible: inventory, plays, variables, pinned host key, rendered files."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cairn.ansible.job import Connection, RoleRun

#: Seconds until an SSH connection that nobody answers is given up.
CONNECT_TIMEOUT = 10
#: Seconds until a host that answers must be ready for work; a busy one takes its time.
READY_TIMEOUT = 90
#: A dead connection is noticed after this many unanswered questions, each so many seconds apart.
KEEPALIVE = {"mitogen_ssh_keepalive_count": 3, "mitogen_ssh_keepalive_interval": 10}
#: By itself Ansible looks a thousand times a second whether a task has ended. No variable of the
#: environment says otherwise.
SETTINGS = "[defaults]\ninternal_poll_interval = 0.01\n"
_TEMPLATE_MARKS = ("{{", "{%", "{#")
_PYTHON = "/usr/bin/python3"


class _Verbatim(str):
    """A text that Ansible would take for a template."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """YAML in which a value that looks like a template carries Ansible's tag for untrusted text."""


_Dumper.add_representer(
    _Verbatim, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"')
)


def lay_out(folder: Path, runs: Sequence[RoleRun]) -> None:
    """Write all that ansible-runner needs for one start of Ansible.

    Args:
        folder: An empty folder that only its owner may enter; removed by the caller.
        runs: What is to be run, one play after the other, all on one host.
    """
    for name in ("inventory", "env", "project", "rendered"):
        (folder / name).mkdir(mode=0o700)
    _write(folder / "ansible.cfg", SETTINGS)
    _write(folder / "known_hosts", known_hosts(runs[0].connection))
    _write(folder / "inventory" / "hosts.yml", _yaml(inventory(runs[0], folder)))
    _write(folder / "project" / "play.yml", _yaml([play(run, folder) for run in runs]))
    for run in runs:
        for path, file in run.files.items():
            _write(rendered(run, folder) / path.lstrip("/"), file.content)


def rendered(run: RoleRun, folder: Path) -> Path:
    """Return the folder that holds the rendered files of a run under their paths on the host."""
    return folder / "rendered" / run.role


def play(run: RoleRun, folder: Path) -> dict[str, Any]:
    """Return the play of one run: one host, one role with its variables, no facts."""
    return {
        "name": title(run),
        "hosts": "all",
        "gather_facts": False,
        "become": run.connection.user != "root",
        "vars": variables(run, folder),
        "tasks": [
            {
                "name": "Run the role",
                "ansible.builtin.import_role": {"name": run.role, "tasks_from": run.tasks_from},
            }
        ],
    }


def title(run: RoleRun) -> str:
    """Return the name of a run's play, by which its events are known."""
    return f"{run.role} on {run.host}"


def inventory(run: RoleRun, folder: Path) -> dict[str, Any]:
    """Return the inventory of one host, with the pinned key as the only one that counts."""
    way = run.connection
    host: dict[str, Any] = {"ansible_python_interpreter": _PYTHON}
    if way.local:
        host["ansible_connection"] = "local"
    else:
        host |= {
            "ansible_host": way.address,
            "ansible_port": way.port,
            "ansible_user": way.user,
            "ansible_ssh_common_args": ssh_options(way, folder / "known_hosts"),
            **KEEPALIVE,
        }
        if way.key_file:
            host["ansible_ssh_private_key_file"] = way.key_file
    return {"all": {"hosts": {run.host: host}}}


def ssh_options(way: Connection, known: Path) -> str:
    """Return the options of SSH as Ansible splits them: the pinned key and no other."""
    options = [
        "StrictHostKeyChecking=yes",
        f"UserKnownHostsFile={known}",
        "GlobalKnownHostsFile=/dev/null",
        "UpdateHostKeys=no",
        f"ConnectTimeout={CONNECT_TIMEOUT}",
        "ControlMaster=no",
    ]
    if way.key_file:
        options.append("IdentitiesOnly=yes")
    return " ".join(f"-o {shlex.quote(option)}" for option in options)


def known_hosts(way: Connection) -> str:
    """Return the pinned key as a line of sshd(8)'s known_hosts; without one nothing is known."""
    if way.local or not way.host_key:
        return ""
    # From sshd(8): a port other than 22 is written [address]:port.
    name = way.address if way.port == 22 else f"[{way.address}]:{way.port}"  # noqa: PLR2004
    return f"{name} {way.host_key}\n"


def variables(run: RoleRun, folder: Path) -> dict[str, Any]:
    """Return what the role sees: its own variables and Cairn's four."""
    files = [
        {"path": path, "mode": file.mode, "owner": file.owner, "group": file.group}
        for path, file in sorted(run.files.items())
    ]
    return {
        **run.variables,
        "cairn_rendered": str(rendered(run, folder)),
        "cairn_files": files,
        "cairn_obsolete": sorted(run.obsolete),
        "cairn_artefacts": list(run.artefacts),
    }


def _yaml(values: Any) -> str:  # noqa: ANN401 - any JSON value
    text: str = yaml.dump(
        _verbatim(values), Dumper=_Dumper, allow_unicode=True, width=10**6, sort_keys=False
    )
    return text


def _verbatim(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        # Only where it matters: under this tag Ansible reads `0644` as a number, quoted or not.
        return _Verbatim(value) if any(mark in value for mark in _TEMPLATE_MARKS) else value
    if isinstance(value, dict):
        return {key: _verbatim(inner) for key, inner in value.items()}
    return [_verbatim(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    # Bytes: a rendered file goes to the host as it is, line ends included.
    path.write_bytes(text.encode())
