"""The private folder of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from cairn.ansible import workspace
from cairn.ansible.environment import environment_of_child
from cairn.ansible.job import Connection, HostFile, RoleRun

if TYPE_CHECKING:
    from collections.abc import Callable

WAY = Connection(
    address="10.0.0.1", port=2222, user="cairn", key_file="/k", host_key="ssh-ed25519 A"
)


def test_only_the_pinned_key_of_the_host_counts(
    prepare: Callable[..., RoleRun], tmp_path: Path
) -> None:
    hosts = workspace.inventory(prepare(connection=WAY), tmp_path)["all"]["hosts"]
    options = hosts["host-1"]["ansible_ssh_common_args"]
    assert "StrictHostKeyChecking=yes" in options
    assert f"UserKnownHostsFile={tmp_path}/known_hosts" in options
    assert "GlobalKnownHostsFile=/dev/null" in options
    assert "IdentitiesOnly=yes" in options


def test_a_port_other_than_22_stands_in_brackets() -> None:
    assert workspace.known_hosts(WAY) == "[10.0.0.1]:2222 ssh-ed25519 A\n"


def test_a_host_without_a_pinned_key_is_not_known() -> None:
    assert workspace.known_hosts(Connection(address="10.0.0.1")) == ""


def test_everything_below_the_folder_is_private(
    prepare: Callable[..., RoleRun], tmp_path: Path
) -> None:
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    workspace.lay_out(folder, [prepare(files={"/etc/a/b.conf": HostFile("x\r\n")})])
    assert (folder / "rendered/tiny/etc/a/b.conf").read_bytes() == b"x\r\n"
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in (*folder.iterdir(), *files):
        assert path.stat().st_mode & 0o077 == 0, path


def test_no_facts_are_gathered(prepare: Callable[..., RoleRun], tmp_path: Path) -> None:
    assert workspace.play(prepare(), tmp_path)["gather_facts"] is False


@pytest.mark.parametrize("text", ["0644", "no", "1.10", "null", "a: b", "# c", "ü", "line\nline\n"])
def test_a_text_stays_a_text(prepare: Callable[..., RoleRun], tmp_path: Path, text: str) -> None:
    folder = tmp_path / "private"
    folder.mkdir()
    workspace.lay_out(folder, [prepare(variables={"tiny_text": text})])
    [play] = yaml.safe_load((folder / "project/play.yml").read_text())
    assert play["vars"]["tiny_text"] == text


def test_the_variable_that_holds_the_password_passes_and_no_other() -> None:
    caller = {"HOME": "/root", "SUDO_PW": "x", "PULUMI_ACCESS_TOKEN": "y", "OTHER": "z"}
    passed = environment_of_child(caller, "env:SUDO_PW")
    assert passed["SUDO_PW"] == "x"
    assert passed["HOME"] == "/root"
    assert not {"PULUMI_ACCESS_TOKEN", "OTHER"} & set(passed)


def test_ansible_is_found_beside_this_python() -> None:
    first = environment_of_child({}, None)["PATH"].split(":")[0]
    assert (Path(first) / "ansible-playbook").exists()
