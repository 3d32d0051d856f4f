"""Waiting for an answer, but not for ever."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


def within(seconds: float, ask: Callable[[], Result], otherwise: Result) -> Result:
    """Return what `ask` returns, or `otherwise` when it takes longer than `seconds`.

    A thread cannot be stopped from outside; one that is late goes on behind and its answer is
    dropped. It is a daemon, so that it does not keep the program from ending.
    """
    box: list[Result] = []
    thread = threading.Thread(target=lambda: box.append(ask()), daemon=True)
    thread.start()
    thread.join(seconds)
    return box[0] if box else otherwise
