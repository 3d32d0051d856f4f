"""Several questions to a host in one round trip."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

_SETTING = "export LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"


def compose(questions: Mapping[str, str]) -> tuple[str, str]:
    """Return one shell script for several commands, and the mark that separates the answers.

    Each command runs in a shell of its own without input, and both of its outputs come back. The
    mark is drawn anew each time, so that no file of the host can contain it.
    """
    mark = f"::{secrets.token_hex(8)}"
    parts = [
        f"( {command}\n) </dev/null 2>&1\nprintf '\\n{mark}:{name}:%d\\n' $?\n"
        for name, command in questions.items()
    ]
    return _SETTING + "".join(parts), mark


def split(text: str, mark: str, names: Mapping[str, str]) -> dict[str, tuple[int, str]]:
    """Return exit status and output of each command.

    Raises:
        VerifyFailed: An answer is missing: the host broke off in the middle.
    """
    ends = re.compile(rf"\n{re.escape(mark)}:(\w+):(\d+)\n")
    answers: dict[str, tuple[int, str]] = {}
    start = 0
    for end in ends.finditer(text):
        answers[end[1]] = (int(end[2]), text[start : end.start()])
        start = end.end()
    missing = [name for name in names if name not in answers]
    if missing:
        raise VerifyFailed(
            f"the host broke off before it answered `{names[missing[0]].splitlines()[0]}`"
        )
    return answers
