"""A host is reached with the pinned key or not at all."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from cairn.checks import connect
from cairn.checks.connect import connected
from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from pathlib import Path

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEp5Ky8qMi669H7hSrzmfG2d6AgOuICyTx37p/tOoCgj"


def way(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any value of a connection
    """Return how a host is reached."""
    return {
        "local": False,
        "address": "127.0.0.1",
        "port": 22,
        "user": "cairn",
        "key_file": None,
        "host_key": KEY,
        "become_password": None,
        **changes,
    }


def closed_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_sandbox_that_does_not_run_is_named_with_the_remedy() -> None:
    with (
        pytest.raises(VerifyFailed, match="imaging-1 does not run; `cairn up`"),
        connected("imaging-1", None),
    ):
        pass


def test_a_host_without_a_pinned_key_is_not_asked() -> None:
    with (
        pytest.raises(VerifyFailed, match="no pinned host key"),
        connected("imaging-1", way(host_key=None)),
    ):
        pass


def test_a_closed_port_is_one_sentence() -> None:
    with (
        connected("imaging-1", way(port=closed_port())) as host,
        pytest.raises(VerifyFailed, match=r"^imaging-1 cannot be reached: .*Connection refused$"),
    ):
        host.run("true")


def test_a_lost_host_is_not_waited_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected("imaging-1", way(port=closed_port())) as host:
        with pytest.raises(VerifyFailed):
            host.run("true")
        with monkeypatch.context() as patch:
            patch.setattr(connect.subprocess, "run", None)
            with pytest.raises(VerifyFailed, match="refused"):
                host.run("true")


def test_nothing_but_the_pinned_key_is_trusted(tmp_path: Path) -> None:
    connect._write_config("imaging-1", way(key_file="/keys/one"), tmp_path)
    text = (tmp_path / "config").read_text()
    assert (tmp_path / "known_hosts").read_text() == f"imaging-1 {KEY}\n"
    for line in (
        "StrictHostKeyChecking yes",
        "GlobalKnownHostsFile /dev/null",
        "HostKeyAlias imaging-1",
        "IdentitiesOnly yes",
        "BatchMode yes",
    ):
        assert f"    {line}\n" in text


def test_another_host_key_is_told_as_such() -> None:
    told = connect._reason("@@@\nWARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\n@@@\n")
    assert "another host key than the pinned one" in told


def test_a_password_reference_that_cannot_be_read_is_named_without_its_value() -> None:
    with (
        pytest.raises(VerifyFailed, match="cannot be read from env:CAIRN_NO_SUCH"),
        connected("imaging-1", way(become_password="env:CAIRN_NO_SUCH")),
    ):
        pass


def test_the_password_reaches_sudo_on_its_input_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    class Done:
        returncode, stdout, stderr = 0, b"\xff\n", b""

    def run(line: str, **how: Any) -> Done:  # noqa: ANN401 - subprocess's own
        seen.update(how, line=line)
        return Done()

    (tmp_path / "password").write_text("Sommer2026\n")
    with connected("imaging-1", way(become_password=f"file:{tmp_path}/password")) as host:
        monkeypatch.setattr(connect.subprocess, "run", run)
        assert host.run("id").stdout == "�\n"
        monkeypatch.undo()
    assert seen["input"] == b"Sommer2026\n"
    assert "Sommer2026" not in seen["line"]
    assert "sudo -S -p" in seen["line"]


def test_this_computer_is_asked_without_ssh() -> None:
    with connected("imaging-1", way(local=True, address="local")) as host:
        assert host.run("printf 'a%sb' '%'").stdout == "a%b"


def test_a_command_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "PATIENCE_S", 0.2)
    with (
        connected("imaging-1", way(local=True)) as host,
        pytest.raises(VerifyFailed, match=r"no answer in 0\.2 seconds"),
    ):
        host.run("sleep 5")
