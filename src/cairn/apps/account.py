"""The account of a host, held against itself here: whoever wrote it does not judge it.

`roles/account` writes the lines; each says the digest of the one before.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from cairn.errors import EvidenceRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

Line = dict[str, Any]
#: What the very first line follows.
NOTHING: Final = f"sha256:{64 * '0'}"


def read(text: str, place: str) -> tuple[tuple[Line, ...], str]:
    """Return the lines of an account, oldest first, and the digest of the last.

    The first line may follow from one that is no longer kept.

    Args:
        text: What the host says, a line of JSON each.
        place: Whose account it is, for messages.

    Raises:
        EvidenceRefused: A line was changed, lost, or put between.
    """
    found: list[Line] = []
    last = ""
    for data in text.splitlines():
        try:
            line: Line = json.loads(data)
            number, follows = int(line["number"]), str(line["previous"])
        except (ValueError, KeyError, TypeError):
            raise EvidenceRefused(f"{place}: the account holds what is no line of one") from None
        gap = bool(found) and (follows != last or number != found[-1]["number"] + 1)
        if gap or (number == 1 and follows != NOTHING):
            raise EvidenceRefused(
                f"{place}: line {number} of the account does not follow from the one before it; "
                "one of them was changed, or lines are gone"
            )
        last = f"sha256:{hashlib.sha256(data.encode()).hexdigest()}"
        found.append(line)
    return tuple(found), last or NOTHING


def of_run(lines: Iterable[Line], run: str) -> tuple[Line, ...]:
    """Return the lines of one run."""
    return tuple(line for line in lines if line.get("run") == run)
