"""Locks of a stack, and whether their holders live."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING

import pytest

from cairn.errors import ApplyFailed
from cairn.stack import locks

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    folder = tmp_path / ".pulumi" / "locks" / "organization" / "cairn-nodes" / "demo"
    folder.mkdir(parents=True)
    return folder


def leave(folder: Path, *, pid: int, computer: str | None = None) -> None:
    lock = {
        "pid": pid,
        "username": "operator",
        "hostname": computer or socket.gethostname(),
        "timestamp": "2026-01-02T03:04:05.678Z",
    }
    (folder / f"{pid}.json").write_text(json.dumps(lock))


def gone() -> int:
    """Return the number of a process that has just ended."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


def test_a_stack_without_locks_is_not_locked(folder: Path) -> None:
    assert locks.held("demo") == ()


def test_a_lock_says_who_since_when_and_that_the_process_is_gone(folder: Path) -> None:
    pid = gone()
    leave(folder, pid=pid)
    (lock,) = locks.held("demo")
    here = socket.gethostname()
    assert str(lock) == (
        f"process {pid} of operator on {here}, since 2026-01-02T03:04:05; that process is gone"
    )


def test_a_dead_lock_of_this_computer_is_released(folder: Path) -> None:
    leave(folder, pid=gone())
    released: list[str] = []
    assert locks.release_dead("demo", released.append)
    assert released == ["demo"]


def test_a_lock_of_another_computer_is_never_released(folder: Path) -> None:
    leave(folder, pid=gone(), computer="elsewhere")
    (lock,) = locks.held("demo")
    assert "ask there whether it still runs" in str(lock)
    assert not locks.release_dead("demo", lambda node: pytest.fail(f"unlocked {node}"))


def test_a_process_that_took_the_number_of_a_dead_one_does_not_hold_the_lock(folder: Path) -> None:
    leave(folder, pid=os.getpid())
    (lock,) = locks.held("demo")
    assert not lock.holder_lives


def test_a_backend_that_is_not_local_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    assert locks.local_backend() is None
    assert locks.held("demo") == ()


def test_one_change_at_a_time_from_the_first_moment_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CAIRN_HOME", str(tmp_path))
    with locks.alone("demo"):
        child = os.fork()
        if child == 0:
            try:
                with locks.alone("demo"):
                    os._exit(1)
            except ApplyFailed as refusal:
                told = f"nothing was done, because the node is locked by process {os.getppid()} of"
                os._exit(0 if told in str(refusal) else 2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        with locks.alone("another"):
            pass
    with locks.alone("demo"):
        assert locks.held("demo") == ()


def test_nothing_is_begun_while_pulumis_own_lock_is_held(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CAIRN_HOME", str(tmp_path))
    leave(folder, pid=os.getpid())
    told = (
        f"demo: nothing was done, because the node is locked by process {os.getpid()} of operator"
    )
    with pytest.raises(ApplyFailed, match=told), locks.alone("demo"):
        raise AssertionError
