"""Runs in the cell: unpacks the app, hands it the message, writes its reply on standard output.

Everything that comes out of here is the app's word; the other side believes none of it.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import resource
import sys
import tomllib
import traceback
import zipfile
from pathlib import Path
from typing import IO, Any, Final

INPUT: Final = Path("/input")
#: Seconds of computing beyond those of a task, after which the kernel ends what the watch has not.
SPARE: Final = 10
APP: Final = Path("/app")


def main() -> None:
    """Do one task."""
    with _own_output() as out:
        _limit(json.loads((INPUT / "limits.json").read_bytes()))
        try:
            content, state = _run()
        except BaseException as error:  # noqa: BLE001 - the app's, whatever it is
            _say(out, {"broke": _where(error)})
            return
        _say(out, {"content": len(content), "state": len(state)}, content, state)


def _own_output() -> IO[bytes]:
    """Keep standard output for the reply; what the app prints goes to standard error."""
    own = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(own, "wb")


def _limit(limits: dict[str, int]) -> None:
    """Lower what each process may have; without rights nobody raises it again.

    More processes than are allowed can be started, but not many: the watch ends what starts them.
    """
    for kind, most in {
        resource.RLIMIT_AS: limits["memory"] + 2 * 2**30,
        resource.RLIMIT_NPROC: limits["processes"] + 32,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: limits["seconds"] * limits["cores"] + SPARE,
    }.items():
        resource.setrlimit(kind, (most, most))


def _run() -> tuple[bytes, bytes]:
    """Return content and state that the app leaves, as Flower writes them."""
    from flwr.common import serde  # noqa: PLC0415 - limits come first
    from flwr.proto.message_pb2 import Context, Message  # noqa: PLC0415
    from flwr.supercore.task_identity import TaskIdentity  # noqa: PLC0415

    message = serde.message_from_proto(Message.FromString((INPUT / "message").read_bytes()))
    message.metadata.__dict__["_message_id"] = message.object_id
    context = serde.context_from_proto(Context.FromString((INPUT / "context").read_bytes()))
    TaskIdentity.run_id, TaskIdentity.node_id = context.run_id, context.node_id
    reply = _app()(message=message, context=context)
    if not reply.has_content():
        raise ValueError("the app returned an error")
    return (
        serde.recorddict_to_proto(reply.content).SerializeToString(),
        serde.recorddict_to_proto(context.state).SerializeToString(),
    )


def _app() -> Any:  # noqa: ANN401 - a ClientApp
    """Unpack the app and return what its pyproject.toml names."""
    with zipfile.ZipFile(io.BytesIO((INPUT / "app").read_bytes())) as packed:
        packed.extractall(APP)
    project = tomllib.loads((APP / "pyproject.toml").read_text("utf-8"))
    module, _, name = project["tool"]["flwr"]["app"]["components"]["clientapp"].partition(":")
    sys.path.insert(0, str(APP))
    found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _where(error: BaseException) -> str:
    """Name kind and place of an error; its words may hold what is in an image."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if one.filename.startswith(f"{APP}/")]
    places = [f"{one.filename.removeprefix(f'{APP}/')}:{one.lineno}" for one in own[-3:]]
    return f"{type(error).__name__} at {' '.join(places) or 'no line of its own'}"


def _say(out: IO[bytes], head: dict[str, Any], *parts: bytes) -> None:
    out.write(json.dumps(head).encode() + b"\n")
    for part in parts:
        out.write(part)


if __name__ == "__main__":
    main()
