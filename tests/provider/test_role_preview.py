"""The diffs that a preview shows."""

from __future__ import annotations

from cairn.provider.role_preview import file_diffs
from cairn.provider.wire import UNKNOWN, Secret

OLD = {"files": {"/etc/a": {"content": "one\ntwo\n", "mode": "0644"}}}


def test_a_new_file_is_compared_with_nothing() -> None:
    (text,) = file_diffs({}, OLD)
    assert text == "--- /dev/null\n+++ /etc/a\n@@ -0,0 +1,2 @@\n+one\n+two"


def test_a_removed_file_becomes_nothing() -> None:
    (text,) = file_diffs(OLD, {"files": {}})
    assert text == "--- /etc/a\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two"


def test_a_changed_line_and_mode_are_both_shown() -> None:
    new = {"files": {"/etc/a": {"content": "one\n2\n", "mode": "0600"}}}
    (text,) = file_diffs(OLD, new)
    assert text.splitlines()[-3:] == ["-two", "+2", "mode 0644 -> 0600"]


def test_an_unchanged_file_is_not_shown() -> None:
    assert list(file_diffs(OLD, OLD)) == []


def test_a_secret_content_is_named_and_not_shown() -> None:
    new = {"files": {"/etc/a": {"content": Secret("hunter2"), "mode": "0644"}}}
    (text,) = file_diffs(OLD, new)
    assert text == "--- /etc/a\n+++ /etc/a\n(the content is secret and not shown)"


def test_files_that_are_secret_as_a_whole_are_named_and_not_shown() -> None:
    (text,) = file_diffs({}, {"files": Secret({"/etc/a": {"content": "hunter2"}})})
    assert "/etc/a" in text
    assert "hunter2" not in text


def test_a_content_that_is_not_known_yet_says_so() -> None:
    (text,) = file_diffs(OLD, {"files": {"/etc/a": {"content": UNKNOWN, "mode": "0644"}}})
    assert text.endswith("(known only during the update)")


def test_files_of_which_nothing_is_known_yet_say_so() -> None:
    assert list(file_diffs(OLD, {"files": UNKNOWN})) == [
        "The files are known only during the update."
    ]
