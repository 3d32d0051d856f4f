"""How an operation ends badly, told so that Pulumi's state stays true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import grpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from cairn.provider import wire

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The server's side of one call, of whatever messages.
Call: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_DETAILS = "grpc-status-details-bin"


class Refused(Exception):
    """Nothing was changed: the state stays as it is."""


class HalfDone(Exception):
    """Something was changed and the work is not finished: the next `up` goes on with it.

    Attributes:
        identity: The resource's id.
        outputs: What is true of the resource now.
    """

    def __init__(self, reason: str, identity: str, outputs: wire.Values) -> None:
        self.identity, self.outputs = identity, outputs
        super().__init__(reason)


async def abort(context: Call, code: grpc.StatusCode, reason: str) -> NoReturn:
    """End a call; anything but UNKNOWN, INTERNAL and DATA_LOSS says that the state is sound."""
    await context.abort(code, reason)


async def abort_half_done(context: Call, half: HalfDone) -> NoReturn:
    """End a call so that Pulumi records the resource as begun (`initErrors`).

    The details travel as a `google.rpc.Status` that holds a `pulumirpc.ErrorResourceInitFailed`,
    in the trailing metadata where gRPC has them for every language.
    """
    reasons: Sequence[str] = [str(half)]
    details = provider_pb2.ErrorResourceInitFailed(
        id=half.identity, properties=wire.dump(half.outputs), reasons=reasons
    )
    code = grpc.StatusCode.ABORTED
    status = status_pb2.Status(code=code.value[0], message=str(half))
    status.details.add().Pack(details)
    await context.abort(code, str(half), ((_DETAILS, status.SerializeToString()),))
