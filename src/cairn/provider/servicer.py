"""Pulumi's provider protocol over gRPC: messages in, handlers called, messages out."""

# ruff: noqa: N802 - the methods are named by the protocol

from __future__ import annotations

import asyncio
import importlib.metadata
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as pb

from cairn.errors import CairnError
from cairn.provider import wire
from cairn.provider.engine import Engine
from cairn.provider.failures import HalfDone, Refused, abort, abort_half_done
from cairn.provider.resource import Context, misfits
from cairn.provider.schema import schema_of
from cairn.provider.surveys import Surveys
from cairn.provider.turns import Turns, bound

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from cairn.provider.failures import Call
    from cairn.provider.resource import Difference, Handler

    Operation: TypeAlias = pb.CreateRequest | pb.ReadRequest | pb.UpdateRequest | pb.DeleteRequest

Answer = TypeVar("Answer")


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine; knows nothing about hosts."""

    def __init__(self, handlers: Mapping[str, Handler], parallel: int | None = None) -> None:
        self.engine = Engine()
        self._handlers = handlers
        self._turns = Turns(parallel or bound())
        self._surveys = Surveys(self._turns)
        self._running: set[asyncio.Task[Any]] = set()

    async def Handshake(
        self, request: pb.ProviderHandshakeRequest, _: Call
    ) -> pb.ProviderHandshakeResponse:
        """Meet the engine; from then on secrets travel as secrets."""
        self.engine.connect(request.engine_address)
        return pb.ProviderHandshakeResponse(accept_secrets=True, accept_outputs=False)

    async def Attach(self, request: plugin_pb2.PluginAttach, _: Call) -> Empty:
        """Take an engine that found this provider running (`PULUMI_DEBUG_PROVIDERS`)."""
        self.engine.connect(request.address)
        return Empty()

    async def Configure(self, _request: pb.ConfigureRequest, _: Call) -> pb.ConfigureResponse:
        """Say the same as in the handshake: the provider has no configuration."""
        return pb.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    async def CheckConfig(self, request: pb.CheckRequest, _: Call) -> pb.CheckResponse:
        """Take any configuration as it is: none of it is read."""
        return pb.CheckResponse(inputs=request.news)

    async def DiffConfig(self, _request: pb.DiffRequest, _: Call) -> pb.DiffResponse:
        """Find no difference that matters."""
        return pb.DiffResponse(changes=pb.DiffResponse.DIFF_NONE)

    async def GetPluginInfo(self, _request: Empty, _: Call) -> plugin_pb2.PluginInfo:
        """Tell the version."""
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("cairn"))

    async def GetSchema(self, _request: pb.GetSchemaRequest, _: Call) -> pb.GetSchemaResponse:
        """Describe the resources."""
        return pb.GetSchemaResponse(schema=schema_of(self._handlers))

    async def Cancel(self, _request: Empty, _: Call) -> Empty:
        """Stop everything that runs; each operation still gives its own answer."""
        self.cancel_all()
        return Empty()

    def cancel_all(self) -> None:
        """Stop everything that runs."""
        for task in tuple(self._running):
            task.cancel()

    async def settled(self) -> None:
        """Wait until every operation has ended."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def Check(self, request: pb.CheckRequest, context: Call) -> pb.CheckResponse:
        """Judge the inputs and complete them."""

        async def work() -> pb.CheckResponse:
            handler = self._handler(request.urn)
            inputs = {k: v for k, v in wire.load(request.news).items() if v is not None}
            wrong = misfits(handler.inputs, inputs)
            if not wrong:
                inputs, wrong = handler.check(inputs)
            failures = [pb.CheckFailure(property=p, reason=r) for p, r in wrong]
            return pb.CheckResponse(inputs=wire.dump(inputs), failures=failures)

        return await self._answer(context, work())

    async def Diff(self, request: pb.DiffRequest, context: Call) -> pb.DiffResponse:
        """Compare what is recorded with what is wanted."""

        async def work() -> pb.DiffResponse:
            difference = self._handler(request.urn).diff(
                wire.load(request.old_inputs), wire.load(request.olds), wire.load(request.news)
            )
            return _diff_response(difference)

        return await self._answer(context, work())

    async def Create(self, request: pb.CreateRequest, context: Call) -> pb.CreateResponse:
        """Make a resource."""

        async def work() -> pb.CreateResponse:
            identity, outputs = await self._handler(request.urn).create(
                self._context(request), wire.load(request.properties)
            )
            return pb.CreateResponse(id=identity, properties=wire.dump(outputs))

        return await self._answer(context, work())

    async def Read(self, request: pb.ReadRequest, context: Call) -> pb.ReadResponse:
        """Look at the world; an answer without an id says that the resource is gone."""

        async def work() -> pb.ReadResponse:
            inputs = wire.load(request.inputs)
            outputs = await self._handler(request.urn).read(
                self._context(request), inputs, wire.load(request.properties)
            )
            if outputs is None:
                return pb.ReadResponse()
            return pb.ReadResponse(
                id=request.id, inputs=request.inputs, properties=wire.dump(outputs)
            )

        return await self._answer(context, work())

    async def Update(self, request: pb.UpdateRequest, context: Call) -> pb.UpdateResponse:
        """Change a resource."""

        async def work() -> pb.UpdateResponse:
            outputs = await self._handler(request.urn).update(
                self._context(request),
                wire.load(request.old_inputs),
                wire.load(request.olds),
                wire.load(request.news),
            )
            return pb.UpdateResponse(properties=wire.dump(outputs))

        return await self._answer(context, work())

    async def Delete(self, request: pb.DeleteRequest, context: Call) -> Empty:
        """Take a resource away."""

        async def work() -> Empty:
            await self._handler(request.urn).delete(
                self._context(request),
                wire.load(request.old_inputs),
                wire.load(request.properties),
            )
            return Empty()

        return await self._answer(context, work())

    def _handler(self, urn: str) -> Handler:
        token = urn.split("::")[2].rsplit("$", 1)[-1]
        if token not in self._handlers:
            raise ValueError(
                f"{token} is no resource of Cairn; there are {', '.join(self._handlers)}"
            )
        return self._handlers[token]

    def _context(self, request: Operation) -> Context:
        preview = bool(getattr(request, "preview", False))
        timeout = float(getattr(request, "timeout", 0.0))
        return Context(request.urn, preview, timeout, self.engine, self._turns, self._surveys)

    async def _answer(self, context: Call, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Do the work so that it can be cancelled, and tell its end in Pulumi's terms."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        try:
            return await task
        except HalfDone as half:
            await abort_half_done(context, half)
        except (Refused, CairnError) as refusal:
            await abort(context, grpc.StatusCode.FAILED_PRECONDITION, str(refusal))
        except (ValueError, TypeError) as wrong:
            await abort(context, grpc.StatusCode.INVALID_ARGUMENT, str(wrong))
        except asyncio.CancelledError:
            await abort(context, grpc.StatusCode.CANCELLED, "cancelled before anything was changed")
        finally:
            self._running.discard(task)


def _diff_response(difference: Difference) -> pb.DiffResponse:
    kinds = pb.PropertyDiff
    detailed = {
        path: kinds(kind=getattr(kinds, kind), inputDiff=path not in difference.from_outputs)
        for path, kind in difference.changes.items()
    }
    tops = sorted({_top(path) for path in detailed})
    replaced = sorted({_top(p) for p, k in difference.changes.items() if k.endswith("_REPLACE")})
    some = pb.DiffResponse.DIFF_SOME
    none = pb.DiffResponse.DIFF_NONE
    return pb.DiffResponse(
        changes=some if detailed else none,
        diffs=tops,
        replaces=replaced,
        # Names, addresses and ports of a host are there once: the old one goes first.
        deleteBeforeReplace=bool(replaced),
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def _top(path: str) -> str:
    return path.split(".", 1)[0].split("[", 1)[0]
