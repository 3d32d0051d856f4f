"""What says whether the agent can run tasks: it believes bytes that go out, not processes."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import subprocess
from typing import TYPE_CHECKING

import pytest

from cairn import house

if TYPE_CHECKING:
    from types import ModuleType

PROGRAM = "roles/fl_agent/files/agent-health"
#: As `ss -Htinp state established` has it on Debian 13.
SOCKETS = """0 0 198.19.46.15:22 198.19.46.1:42268 users:(("sshd-session",pid=3213,fd=7))
\t bbr wscale:10,10 bytes_sent:4109 bytes_acked:4109 segs_out:23
0 0 198.19.46.15:59154 198.19.46.14:443 users:(("stunnel4",pid=2986,fd=12))
\t bbr wscale:10,10 bytes_sent:25326 bytes_acked:25327 segs_out:82
0 0 127.0.0.1:59514 127.0.0.1:9094 users:(("flower-superexe",pid=3062,fd=3))
\t bbr wscale:10,10 bytes_sent:45606 bytes_acked:45607 segs_out:200
0 0 127.0.0.1:9443 127.0.0.1:52340 users:(("stunnel4",pid=2986,fd=3))
\t bbr wscale:10,10 bytes_sent:6311 bytes_acked:6311 segs_out:66
"""
UNITS = {"cairn-fl-forward.service": {"2986"}, "cairn-fl-agent.service": {"3062"}}


@pytest.fixture
def plain() -> ModuleType:
    """Return agent-health as a module."""
    loader = importlib.machinery.SourceFileLoader("agent_health", str(house.root() / PROGRAM))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def answered(monkeypatch: pytest.MonkeyPatch, module: ModuleType, text: str) -> None:
    """Have every program that is asked answer with the text."""
    done = subprocess.CompletedProcess([], 0, text)
    monkeypatch.setattr(module.subprocess, "run", lambda *_, **__: done)


@pytest.fixture
def program(plain: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return agent-health as a module that sees these sockets."""
    answered(monkeypatch, plain, SOCKETS)
    monkeypatch.setattr(plain, "group", UNITS.__getitem__)
    return plain


def test_what_leaves_the_host_and_what_the_agent_asks_are_told_apart(program: ModuleType) -> None:
    away, asked = program.look()
    assert away == {("198.19.46.15:59154", "198.19.46.14:443"): 25326}
    assert asked == {("127.0.0.1:59514", "127.0.0.1:9094"): 45606}


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ({}, {}, False),
        ({"one": 5}, {"one": 5}, False),
        ({"one": 5}, {}, False),
        ({"one": 5}, {"one": 6}, True),
        ({"one": 5}, {"two": 1}, True),
        ({}, {"one": 0}, False),
    ],
)
def test_only_bytes_that_went_out_between_two_looks_count(
    program: ModuleType, before: dict[str, int], after: dict[str, int], *, wanted: bool
) -> None:
    assert program.asks(before, after) is wanted


def test_a_unit_that_does_not_run_has_no_process(
    plain: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(monkeypatch, plain, "\n")
    assert plain.group("cairn-fl-agent.service") == set()
