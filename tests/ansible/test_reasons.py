"""The usual failures come back in the operator's words, the unusual ones unharmed."""

from __future__ import annotations

import pytest

from cairn.ansible.job import Connection
from cairn.ansible.reasons import LONGEST_MESSAGE, explain

WAY = Connection(address="10.20.0.12", port=22, user="cairn", key_file="/keys/id")


@pytest.mark.parametrize(
    ("message", "unreachable", "words"),
    [
        ("Host key checking is enabled, and SSH reported an unrecognized", True, "pinned host key"),
        ("cairn@10.20.0.12: Permission denied (publickey).", True, "refuses the login of cairn"),
        ("ssh: connect to host 10.20.0.12 port 22: Connection refused", True, "does not answer at"),
        ("ssh: Could not resolve hostname pacs: Name or service", True, "has no address"),
        ("EOF on stream; last 100 lines received:", True, "broke during the run"),
        ("sudo: a password is required", False, "sudo asks cairn for a password"),
        ("sudo password is incorrect", True, "sudo refuses the password of cairn"),
        ("cairn is not in the sudoers file.", False, "add that account to the group sudo"),
        ("cp: error writing '/x': No space left on device", False, "the disk of the host is full"),
        ("E: Failed to fetch http://mirror/ Connection refused", False, "cannot fetch packages"),
        ("Could not get lock /var/lib/dpkg/lock-frontend", False, "another package installation"),
    ],
)
def test_a_known_cause_is_told_with_its_remedy(
    message: str,
    unreachable: bool,  # noqa: FBT001 - a column of the table above
    words: str,
) -> None:
    text = explain(message, WAY, unreachable=unreachable).text
    assert words in text
    assert "; " in text


def test_a_connection_that_mitogen_loses_unawares_is_told_as_broken() -> None:
    message = (
        "Task failed: builtins.AttributeError: 'NoneType' object has no attribute 'protocol'\n"
        '  File "/x/mitogen/service.py", line 619, in _on_service_call\n    return invoke()'
    )
    reason = explain(message, WAY, unreachable=False)
    assert "broke during the run" in reason.text
    # Something may have been changed before: that is no host that was never reached.
    assert not reason.unreachable


def test_the_frames_of_a_traceback_stay_in_the_log() -> None:
    message = 'Task failed: KeyError: x\n  File "/x/y.py", line 6, in work\n    return z[x]'
    assert explain(message, WAY, unreachable=False).text == "Task failed: KeyError: x"


def test_a_refused_connection_of_a_task_is_not_an_unreachable_host() -> None:
    reason = explain("PostgreSQL: connection refused", WAY, unreachable=False)
    assert reason.text == "PostgreSQL: connection refused"
    assert not reason.unreachable


def test_an_unknown_message_stays_on_one_line_of_bounded_length() -> None:
    text = explain("first\nsecond " + "x" * 5000, WAY, unreachable=False).text
    assert text.startswith("first second xxx")
    assert "\n" not in text
    assert len(text) == LONGEST_MESSAGE
