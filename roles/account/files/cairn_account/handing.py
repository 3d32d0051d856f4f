"""Hands lines to the account of the host; whoever hands one in cannot write it itself."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cairn_account.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

SOCKET: Final = Path("/run/cairn-account.sock")
PATIENCE: Final = 20


def plain(text: str) -> str:
    """Return a text that fits into a line of the account."""
    return "".join(one if one.isprintable() else " " for one in text)[:400]


def tell(
    event: str,
    words: Mapping[str, str | int],
    path: Path = SOCKET,
    *,
    refused: type[Exception] = Refused,
) -> str:
    """Add a line to the account and return its digest.

    Args:
        event: What happened.
        words: What is said of it; `cairn_account.events` knows the words.
        path: Where lines are handed in.
        refused: What is raised where the caller has an error of its own for what it may not do.

    Raises:
        Refused: It is not written; what it is about must not happen.
    """
    line = {word: plain(one) if isinstance(one, str) else one for word, one in words.items()}
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(PATIENCE)
            link.connect(str(path))
            link.sendall(json.dumps({"event": event, **line}).encode() + b"\n")
            with link.makefile("rb") as reader:
                answer = json.loads(reader.readline(65536))
    except (OSError, ValueError) as error:
        raise refused(
            f"the account does not take a line ({type(error).__name__}), and nothing runs without; "
            "look at `systemctl status cairn-account.socket`"
        ) from None
    if "digest" not in answer:
        raise refused(f"the account does not take a line: {answer.get('refused')}")
    return str(answer["digest"])
