"""Each way a call can end has its exit code and one clear sentence, never a traceback."""

from __future__ import annotations

import importlib
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from cairn.cli import group, verbs
from cairn.cli.main import cairn
from cairn.errors import ApplyFailed, InvalidSpec, Misuse, PlanRefused, Problem, VerifyFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException | str], None]:
    """Put a verb `try` into the register that raises an error, or prints a text."""

    def plant(outcome: BaseException | str) -> None:
        @click.command("try")
        def attempt() -> None:
            if isinstance(outcome, BaseException):
                raise outcome
            click.echo(outcome)

        monkeypatch.setitem(verbs.VERBS, "try", verbs.Verb("try", "Try", __name__, "attempt"))
        monkeypatch.setattr(sys.modules[__name__], "attempt", attempt, raising=False)

    return plant


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Misuse("there is no such thing"), 2),
        (InvalidSpec([Problem("nodes/a.yaml", 3, 1, "site", "is missing")]), 2),
        (PlanRefused("policy says no"), 3),
        (ApplyFailed("half done"), 4),
        (VerifyFailed("not as planned"), 5),
    ],
)
def test_a_foreseen_error_is_its_message_and_its_exit_code(
    run: Run, verb: Callable[..., None], error: Exception, code: int
) -> None:
    verb(error)
    result = run("try")
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", f"{error}\n")


def test_an_unforeseen_error_is_one_sentence_and_a_private_log(
    run: Run, verb: Callable[..., None], checkout: Path
) -> None:
    verb(ValueError("hunter2"))
    result = run("try")
    (log,) = (checkout / ".cairn").glob("crash-*.log")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "ValueError" in result.stderr
    assert "hunter2" not in result.stderr
    assert str(log) in result.stderr
    assert "Traceback (most recent call last)" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_an_unforeseen_error_is_told_even_where_no_log_can_be_kept(
    run: Run, verb: Callable[..., None], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / ".cairn").write_text("in the way")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(checkout / "elsewhere"))
    (checkout / "elsewhere").mkdir()
    verb(ValueError("x"))
    result = run("try")
    assert result.exit_code == 1
    assert str(checkout / "elsewhere" / "crash-") in result.stderr


def test_ctrl_c_ends_with_130_and_one_line(run: Run, verb: Callable[..., None]) -> None:
    verb(KeyboardInterrupt())
    result = run("try")
    assert result.exit_code == 130
    assert result.stderr.strip().count("\n") == 0
    assert "Stopped" in result.stderr


def test_an_unknown_verb_is_answered_with_the_one_meant(run: Run) -> None:
    result = run("chek")
    assert result.exit_code == 2
    assert "did you mean `check`?" in result.stderr


def test_an_unknown_option_is_a_usage_error(run: Run) -> None:
    result = run("nodes", "--formt", "json")
    assert result.exit_code == 2
    assert "--format" in result.stderr


def test_a_reader_that_goes_away_ends_the_call_in_silence() -> None:
    code = "import sys; sys.argv = ['cairn', 'schema']; from cairn.cli.main import main; main()"
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (group.NOBODY_READS, b"")


def test_help_imports_no_verb() -> None:
    code = (
        "import sys\n"
        "from cairn.cli.main import cairn\n"
        "from click.testing import CliRunner\n"
        "print(CliRunner().invoke(cairn, ['--help']).exit_code)\n"
        "from cairn.cli.verbs import VERBS\n"
        "print(*sorted({verb.module for verb in VERBS.values()} & set(sys.modules)))\n"
        "print(*sorted({'rich', 'pydantic', 'pulumi', 'jinja2', 'yaml'} & set(sys.modules)))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "0\n\n\n"


@pytest.mark.parametrize("entry", verbs.VERBS.values(), ids=lambda entry: entry.name)
def test_the_register_says_what_the_verb_says(entry: verbs.Verb) -> None:
    command = getattr(importlib.import_module(entry.module), entry.attribute)
    assert command.name == entry.name
    assert command.get_short_help_str(limit=200).removesuffix(".") == entry.summary
    assert (command.help or "").startswith(f"{entry.summary}.")


@pytest.mark.parametrize("entry", verbs.VERBS.values(), ids=lambda entry: entry.name)
def test_the_help_of_each_verb_says_what_it_changes(entry: verbs.Verb) -> None:
    command = getattr(importlib.import_module(entry.module), entry.attribute)
    if isinstance(command, click.Group):
        assert command.list_commands(click.Context(command))  # each says it for itself
        return
    told = " ".join((command.help or "").split())
    assert any(word in told for word in ("Changes ", "changes nothing", "Makes ", "Rewrites "))


def test_help_shows_every_verb_with_its_line(run: Run) -> None:
    shown = run("--help").stdout
    assert all(f"{each.name} " in shown and each.summary in shown for each in verbs.VERBS.values())


def test_no_line_of_the_overview_is_wider_than_80_columns(run: Run) -> None:
    assert max(map(len, run("--help").stdout.splitlines())) <= 80


def test_the_shell_completes_verbs() -> None:
    with click.Context(cairn, info_name="cairn") as context:
        assert [item.value for item in cairn.shell_complete(context, "ren")] == ["render"]
