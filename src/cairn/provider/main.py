"""The program that Pulumi starts: prints its port, serves, and ends with its engine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING

import grpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc

from cairn.provider.bucket import Bucket
from cairn.provider.machine import Machine
from cairn.provider.role import Role
from cairn.provider.servicer import Servicer
from cairn.provider.verification import Verification

if TYPE_CHECKING:
    from cairn.provider.resource import Handler

#: Seconds for the answers of cancelled operations; Pulumi kills the provider after five.
GRACE = 4.5


def main() -> None:
    """Serve until Pulumi sends a signal or is gone."""
    asyncio.run(serve(sys.argv[1] if len(sys.argv) > 1 else None))


async def serve(engine: str | None) -> None:
    """Serve on a free port of the loopback address and print that port as the first line.

    Args:
        engine: Address of the engine; without one the engine attaches later.
    """
    # First of all: whoever has read the port may send a signal.
    ended = _watch(parent=engine is not None)
    servicer = Servicer(handlers())
    if engine:
        servicer.engine.connect(engine)
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await ended.wait()
    servicer.cancel_all()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(servicer.settled(), GRACE)
    await server.stop(0.2)
    # A thread that still starts a sandbox host would hold the interpreter; a start is repeatable.
    os._exit(0)


def handlers() -> dict[str, Handler]:
    """Return the kinds of resources by Pulumi's type token."""
    return {
        "cairn:index:Bucket": Bucket(),
        "cairn:index:Machine": Machine(),
        "cairn:index:Role": Role(),
        "cairn:index:Verification": Verification(),
    }


def _watch(*, parent: bool) -> asyncio.Event:
    """Return what is set by a signal, or by the end of the process that started this one."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    if parent:
        try:
            loop.add_reader(os.pidfd_open(os.getppid()), ended.set)
        except ProcessLookupError:
            ended.set()
    return ended
