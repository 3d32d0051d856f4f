"""Talking to Pulumi's engine: the status line of a resource, and lines that stay."""

from __future__ import annotations

import contextlib

import grpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class Engine:
    """The engine that started this provider, or that has attached to it."""

    def __init__(self) -> None:
        self._stub: engine_pb2_grpc.EngineStub | None = None

    def connect(self, address: str) -> None:
        """Take this engine from now on.

        Args:
            address: `HOST:PORT`, as the engine gives it.
        """
        channel = grpc.aio.insecure_channel(address, options=_GRPC_CHANNEL_OPTIONS)
        self._stub = engine_pb2_grpc.EngineStub(channel)

    async def status(self, urn: str, text: str) -> None:
        """Show a text in the status column of a resource until the next one comes."""
        await self._log(urn, text, ephemeral=True)

    async def say(self, urn: str, text: str) -> None:
        """Write a text under the resource that stays when the run is over."""
        await self._log(urn, text, ephemeral=False)

    async def _log(self, urn: str, text: str, *, ephemeral: bool) -> None:
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(
            severity=engine_pb2.INFO, message=text, urn=urn, ephemeral=ephemeral
        )
        # The work on a host does not stop because nobody listens any more.
        with contextlib.suppress(grpc.RpcError):
            await self._stub.Log(request)
