"""A door on this computer that is open for the time of one trial."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def door() -> Iterator[tuple[int, list[str]]]:
    """Listen on a free TCP port of every address until the end of the block.

    Yields:
        The port, and the list of addresses that came in so far.
    """
    visitors: list[str] = []
    with socket.create_server(("", 0)) as server:
        server.settimeout(0.2)
        shut = threading.Event()
        thread = threading.Thread(target=_receive, args=(server, visitors, shut), daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1], visitors
        finally:
            shut.set()
            thread.join()


def _receive(server: socket.socket, visitors: list[str], shut: threading.Event) -> None:
    while not shut.is_set():
        with suppress(TimeoutError):
            guest, address = server.accept()
            guest.close()
            visitors.append(str(address[0]))
