"""What people read is coloured and wrapped on a terminal only, and harmless everywhere."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace

import click
import pytest

from cairn.checks.verdicts import Verdict
from cairn.cli import screen
from cairn.cli.main import cairn


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard output as a terminal of 40 columns."""
    stream = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("NO_COLOR", raising=False)
    # pytest puts its own stream into `sys` again before each test, so `sys` itself is replaced.
    monkeypatch.setattr(screen, "sys", SimpleNamespace(stdout=stream, stderr=sys.stderr))
    return stream


def test_a_pipe_gets_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    screen.say(screen.verdict("fail"))
    assert capsys.readouterr().out == "✗ fail\n"


def test_a_pipe_gets_unwrapped_lines(capsys: pytest.CaptureFixture[str]) -> None:
    screen.say(screen.table([("a", "long " * 100)]))
    assert capsys.readouterr().out.count("\n") == 1


def test_a_terminal_gets_colours(terminal: Terminal) -> None:
    screen.say(screen.verdict("fail"))
    assert "\x1b[1;31m" in terminal.getvalue()


def test_a_terminal_gets_lines_of_its_width(terminal: Terminal) -> None:
    screen.say(screen.indented(screen.table([("name", "long " * 20)]), 4))
    lines = terminal.getvalue().splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 40


@pytest.mark.parametrize(
    ("flags", "variable", "coloured"),
    [
        (["--color"], "1", True),
        (["--no-color"], "", False),
        ([], "1", False),
        ([], "", True),
    ],
)
def test_the_option_wins_over_the_variable_and_the_variable_over_the_terminal(
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
    variable: str,
    *,
    coloured: bool,
) -> None:
    monkeypatch.setenv("NO_COLOR", variable)
    with click.Context(cairn) as context:
        context.invoke(
            cairn.callback, color={"--color": True, "--no-color": False}.get("".join(flags))
        )
        screen.say(screen.verdict("fail"))
    assert ("\x1b[" in terminal.getvalue()) is coloured


def test_a_dumb_terminal_gets_no_colours(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    screen.say(screen.verdict("fail"))
    assert terminal.getvalue() == "✗ fail\n"


def test_brackets_are_text_and_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    screen.say("[bold]hosts[0][/bold] :smile:")
    assert capsys.readouterr().out == "[bold]hosts[0][/bold] :smile:\n"


def test_what_a_host_answers_cannot_steer_the_terminal(terminal: Terminal) -> None:
    screen.say("before\x1b]0;owned\x07\x1b[2Jafter\x9b1m")
    assert "\x1b]" not in terminal.getvalue()
    assert "\x1b[2J" not in terminal.getvalue()
    assert "\x07" not in terminal.getvalue()
    assert "\x9b" not in terminal.getvalue()


def test_every_verdict_has_a_mark_of_its_own() -> None:
    assert set(screen.VERDICTS) == set(Verdict)
    assert len({mark for mark, _, _ in screen.VERDICTS.values()}) == len(Verdict)
    assert len({plain for _, plain, _ in screen.VERDICTS.values()}) == len(Verdict)


def test_a_terminal_without_unicode_gets_plain_marks(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Terminal, "encoding", "latin-1")
    screen.say(screen.verdict("fail"))
    assert "X fail" in terminal.getvalue()


def test_progress_off_a_terminal_is_plain_lines_beside_the_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with screen.working("asking the hosts") as progress:
        progress("imaging-1")
        screen.say("answer")
    caught = capsys.readouterr()
    assert (caught.out, caught.err) == ("answer\n", "asking the hosts\nimaging-1\n")


def test_json_is_never_coloured(terminal: Terminal) -> None:
    screen.say_json({"a": "é"})
    assert json.loads(terminal.getvalue()) == {"a": "é"}
