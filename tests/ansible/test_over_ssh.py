"""Roles on a real sandbox host over SSH: the pinned key, sudo, a full disk, a lost connection."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cairn import sandbox
from cairn.ansible.job import Connection, HostFile
from cairn.ansible.run import run_role

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from cairn.ansible.job import RoleRun
    from cairn.ansible.outcome import Outcome

    Perform: TypeAlias = Callable[[RoleRun], tuple[Outcome, list[str]]]

pytestmark = pytest.mark.sandbox

PASSWORD = "plugh-99-xyzzy"
VARIABLE = "SUDO_PASSWORD_OF_CAREFUL"


@pytest.fixture(scope="module")
def host(start_host: Callable[..., Any]) -> Any:  # noqa: ANN401 - the sandbox tests' own host
    return start_host("over-ssh", egress=[])


@pytest.fixture
def way(host: Any) -> Connection:  # noqa: ANN401
    return Connection(**host.running.connection)


@pytest.fixture
def remote(prepare: Callable[..., RoleRun], way: Connection) -> Callable[..., RoleRun]:
    """Returns a function that makes a run of `tiny` on the host, with /etc/greeting."""

    def made(**more: Any) -> RoleRun:  # noqa: ANN401 - fields of a run
        files = {"/etc/greeting": HostFile("hello\n", mode="0640")}
        variables = {"tiny_folder": "/etc", **more.pop("variables", {})}
        return prepare(**{"connection": way, "files": files, "variables": variables, **more})

    return made


def test_a_role_becomes_root_over_ssh_and_finds_nothing_to_do_afterwards(
    remote: Callable[..., RoleRun],
    perform: Perform,
    host: Any,  # noqa: ANN401
) -> None:
    first, _ = perform(remote())
    again, _ = perform(remote(check=True))
    assert first.ok, first.sentence()
    assert [change.what for change in first.changes] == ["/etc/greeting"]
    assert again.changes == ()
    assert host.says("stat -c '%U %a' /etc/greeting") == "root 640"


def test_a_host_with_another_key_is_refused_and_not_touched(
    remote: Callable[..., RoleRun],
    perform: Perform,
    way: Connection,
) -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVyZXdob25lcmV3aG9uZXJld2hvbmVyZXdob25l"
    outcome, _ = perform(remote(connection=replace(way, host_key=other)))
    assert "does not show the pinned host key" in outcome.sentence()
    assert not outcome.begun


def test_a_login_that_is_refused_names_user_and_key(
    remote: Callable[..., RoleRun],
    perform: Perform,
    way: Connection,
) -> None:
    outcome, _ = perform(remote(connection=replace(way, user="nobody-here")))
    assert "refuses the login of nobody-here" in outcome.sentence()
    assert str(way.key_file) in outcome.sentence()
    assert not outcome.begun


@pytest.fixture(scope="module")
def careful(host: Any) -> str:  # noqa: ANN401
    """An account that must give its password to sudo."""
    home = "/home/careful"
    host.says(
        "sudo useradd --create-home --shell /bin/bash careful && "
        f"echo 'careful:{PASSWORD}' | sudo chpasswd && "
        "echo 'careful ALL=(ALL) ALL' | sudo tee /etc/sudoers.d/careful >/dev/null && "
        f"sudo install -d -m 0700 -o careful {home}/.ssh && "
        f"sudo install -m 0600 -o careful ~/.ssh/authorized_keys {home}/.ssh/authorized_keys"
    )
    return "careful"


def test_sudo_with_a_password_works_and_the_password_is_nowhere(
    remote: Callable[..., RoleRun],
    perform: Perform,
    way: Connection,
    careful: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, PASSWORD)
    asked = replace(way, user=careful, become_password=f"env:{VARIABLE}")
    outcome, _ = perform(remote(connection=asked))
    assert outcome.ok, outcome.sentence()
    assert PASSWORD not in outcome.log.read_text()


def test_sudo_that_asks_for_a_password_is_told_with_its_remedy(
    remote: Callable[..., RoleRun],
    perform: Perform,
    way: Connection,
    careful: str,
) -> None:
    outcome, _ = perform(remote(connection=replace(way, user=careful)))
    assert "sudo asks careful for a password" in outcome.sentence()
    assert not outcome.begun


def test_sudo_with_a_wrong_password_is_told_with_its_remedy(
    remote: Callable[..., RoleRun],
    perform: Perform,
    way: Connection,
    careful: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, "wrong-password")
    asked = replace(way, user=careful, become_password=f"env:{VARIABLE}")
    outcome, _ = perform(remote(connection=asked))
    assert "sudo refuses the password of careful" in outcome.sentence()
    assert not outcome.begun


def test_a_full_disk_is_told_as_a_full_disk(
    remote: Callable[..., RoleRun],
    perform: Perform,
    host: Any,  # noqa: ANN401
) -> None:
    host.says("sudo mkdir -p /small && sudo mount -t tmpfs -o size=64k tmpfs /small")
    outcome, _ = perform(remote(files={"/small/big": HostFile("x" * 200_000)}))
    host.says("sudo umount /small")
    assert "the disk of the host is full" in outcome.sentence(), outcome.log.read_text()


def test_a_host_that_goes_down_during_the_run_is_told_and_leaves_a_begun_role(
    remote: Callable[..., RoleRun],
    host: Any,  # noqa: ANN401
) -> None:
    run = remote(variables={"tiny_waits": True})

    async def pull_the_plug(name: str) -> None:
        if name == "Wait when told":
            await asyncio.sleep(2)
            await asyncio.to_thread(sandbox.stop, "testing", "over-ssh")

    async def scenario() -> Outcome:
        async with asyncio.timeout(120):
            return await run_role(run, pull_the_plug)

    outcome = asyncio.run(scenario())
    sandbox.restart("testing", "over-ssh")
    assert "broke during the run" in outcome.sentence()
    assert outcome.begun
