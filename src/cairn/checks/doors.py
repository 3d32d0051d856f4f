"""Doors on this computer that are open for the time of one trial."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def doors(number: int) -> Iterator[tuple[list[int], list[str]]]:
    """Listen on that many free TCP ports of every address until the end of the block.

    Yields:
        The ports, and the list of addresses that came in so far.
    """
    visitors: list[str] = []
    shut = threading.Event()
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("", 0))) for _ in range(number)]
        threads = [
            threading.Thread(target=_receive, args=(server, visitors, shut), daemon=True)
            for server in servers
        ]
        for server, thread in zip(servers, threads, strict=True):
            server.settimeout(0.2)
            thread.start()
        try:
            yield [server.getsockname()[1] for server in servers], visitors
        finally:
            shut.set()
            for thread in threads:
                thread.join()


def _receive(server: socket.socket, visitors: list[str], shut: threading.Event) -> None:
    while not shut.is_set():
        with suppress(TimeoutError):
            guest, address = server.accept()
            guest.close()
            visitors.append(str(address[0]))
