"""The environment of Ansible: an allow-list, and Ansible's settings with nothing from outside."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cairn.ansible.workspace import READY_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cairn.ansible.job import RoleRun

#: Names the private folder of a run in the environment of all its processes.
MARK = "CAIRN_RUN"
#: What may pass from the caller to Ansible. Passphrases, tokens and clouds' keys are not here.
ALLOWED = ("HOME", "LOGNAME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSH_AUTH_SOCK")


def environment_of_child(caller: Mapping[str, str], become_password: str | None) -> dict[str, str]:
    """Return the environment of the child process.

    Args:
        caller: The environment of the caller.
        become_password: The reference to a password; the variable that it names passes as well.
    """
    # Ansible stops at a locale that is not UTF-8, and C.UTF-8 is on every Debian.
    chosen = {
        "PATH": _path(caller),
        "LC_ALL": "C.UTF-8",
        "CAIRN_HOME": caller.get("CAIRN_HOME", ""),
    }
    chosen |= {name: caller[name] for name in ALLOWED if name in caller and name != "LC_ALL"}
    if become_password and become_password.startswith("env:"):
        name = become_password.removeprefix("env:")
        chosen |= {name: caller[name]} if name in caller else {}
    return {name: value for name, value in chosen.items() if value}


def read_password(reference: str | None, caller: Mapping[str, str]) -> str | None:
    """Return the password of sudo that a reference names, None without a reference.

    Raises:
        LookupError: The variable or the file is not there or is empty; the message says which.
    """
    if reference is None:
        return None
    kind, _, name = reference.partition(":")
    try:
        value = caller.get(name, "") if kind == "env" else Path(name).read_text().strip("\r\n")
    except OSError as error:
        raise LookupError(
            f"the sudo password cannot be read from {name}: {error.strerror}"
        ) from None
    if not value:
        raise LookupError(f"the sudo password is empty or not set; set what {reference} refers to")
    return value


def _path(caller: Mapping[str, str]) -> str:
    """Return the search path, with the programs of this Python first: ansible-playbook is there."""
    beside = str(Path(sys.executable).parent)
    return os.pathsep.join([beside, caller.get("PATH") or "/usr/local/bin:/usr/bin:/bin"])


def settings_of_ansible(run: RoleRun, folder: Path) -> dict[str, str]:
    """Return Ansible's settings as environment: the user's own configuration has no say."""
    return {
        MARK: str(folder),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_ROLES_PATH": run.roles,
        "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"),
        "ANSIBLE_STRATEGY": run.strategy,
        "ANSIBLE_STRATEGY_PLUGINS": mitogen_strategies() if "mitogen" in run.strategy else "",
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_TIMEOUT": str(READY_TIMEOUT),
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "False",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
        "ANSIBLE_SYSTEM_WARNINGS": "False",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_SHOW_TASK_PATH_ON_FAILURE": "True",
    }


def mitogen_strategies() -> str:
    """Return the folder of Mitogen's strategies in the installed package."""
    found = importlib.util.find_spec("ansible_mitogen.plugins.strategy")
    if found is None or found.origin is None:
        raise FileNotFoundError("Mitogen is not installed; run `make setup`")
    return str(Path(found.origin).parent)
