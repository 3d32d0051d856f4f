"""The computer's programs: what is missing and what fails is said with a remedy."""

from __future__ import annotations

import os

import pytest

from cairn.errors import SandboxError
from cairn.sandbox import commands


def test_without_root_the_working_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SandboxError, match=r"need root .* `sudo -E cairn sandbox list`"):
        commands.require_root()


def test_missing_programs_are_named_with_the_command_that_installs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commands, "PROGRAMS", {"no-such-thing": "nothing", "sh": "dash"})
    with pytest.raises(SandboxError) as caught:
        commands.require_programs()
    assert str(caught.value) == (
        "missing on this computer: no-such-thing; "
        "run `apt-get install --no-install-recommends nothing`"
    )


def test_every_program_comes_from_a_listed_or_an_essential_package() -> None:
    essential = {"coreutils", "libc-bin", "mount", "util-linux"}
    assert set(commands.PROGRAMS.values()) <= {*commands.PACKAGES, *essential}


def test_a_failure_quotes_what_the_program_said() -> None:
    with pytest.raises(SandboxError, match=r"^cannot look: `sh -c .*` said: broken$"):
        commands.run(["sh", "-c", "echo broken >&2; exit 3"], why="look")


def test_a_silent_failure_tells_the_exit_status() -> None:
    with pytest.raises(SandboxError, match=r"said: nothing \(exit status 3\)"):
        commands.run(["sh", "-c", "exit 3"], why="look")


def test_a_program_that_does_not_end_is_given_up() -> None:
    with pytest.raises(SandboxError, match="cannot wait: `sleep` took over 0 s"):
        commands.run(["sleep", "5"], why="wait", timeout=0.1)


def test_a_program_that_does_not_exist_is_an_error_like_others() -> None:
    with pytest.raises(SandboxError, match="cannot look: `no-such-thing`: No such file"):
        commands.run(["no-such-thing"], why="look")
