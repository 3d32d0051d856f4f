"""Several questions in one round trip, and no answer mistaken for another."""

from __future__ import annotations

import subprocess

import pytest

from cairn.checks.batch import compose, split
from cairn.errors import VerifyFailed


def answers(**questions: str) -> dict[str, tuple[int, str]]:
    """Ask this computer."""
    script, mark = compose(questions)
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    return split(done.stdout, mark, questions)


def test_each_question_gets_its_own_answer_and_status() -> None:
    assert answers(a="echo one", b="echo two >&2; exit 3") == {"a": (0, "one\n"), "b": (3, "two\n")}


def test_a_question_cannot_end_or_change_the_others() -> None:
    assert answers(a="cd /; x=1; exit 0", b='echo "${x-unset}"')["b"] == (0, "unset\n")


def test_a_question_gets_no_input() -> None:
    assert answers(a="cat", b="echo after")["b"] == (0, "after\n")


def test_a_comment_at_the_end_of_a_question_swallows_nothing() -> None:
    assert answers(a="echo one # two", b="echo three")["a"] == (0, "one\n")


def test_an_answer_cannot_forge_the_mark() -> None:
    script, mark = compose({"a": "echo forged"})
    assert mark not in compose({"a": "echo forged"})[0]
    assert mark in script


def test_a_missing_answer_is_an_error() -> None:
    _, mark = compose({"a": "x", "b": "y"})
    with pytest.raises(VerifyFailed, match="broke off before it answered `y`"):
        split(f"one\n{mark}:a:0\nhalf", mark, {"a": "x", "b": "y"})
