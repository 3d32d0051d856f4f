"""Whose turn it is: one change at a time on a host, a bounded number side by side."""

from __future__ import annotations

import asyncio
import contextlib
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: The setting that bounds how many hosts are worked on side by side.
SETTING = "CAIRN_PARALLEL"
DEFAULT = 8


class Turns:
    """Gives each host its turn; roles on one host never run at once (apt has one lock)."""

    def __init__(self, bound: int) -> None:
        self._places = asyncio.Semaphore(bound)
        self._hosts: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def of(self, host: str | None) -> AsyncIterator[None]:
        """Wait for the host to be free first, then for a place: waiting takes nobody's place.

        Without a host only for a place: who changes nothing disturbs nobody.
        """
        alone = self._hosts.setdefault(host, asyncio.Lock()) if host else contextlib.nullcontext()
        async with alone, self._places:
            yield


def bound() -> int:
    """Return how many hosts are worked on side by side; a senseless setting means the default."""
    text = os.environ.get(SETTING, "")
    return int(text) if text.isdigit() and int(text) > 0 else DEFAULT
