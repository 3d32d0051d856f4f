"""A sandbox host, as a Pulumi resource."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from cairn.provider.failures import HalfDone, Refused
from cairn.provider.resource import Difference, Input
from cairn.provider.wire import UNKNOWN, Values, plain

if TYPE_CHECKING:
    from concurrent.futures import Future

    from cairn.provider.resource import Context, Kind

#: Must repeat the node's name when the data volumes are to go with the host.
DELETE_DATA = "CAIRN_DELETE_DATA"
STOPPED = "the host is not running"
#: A change of one of these makes another host.
_IDENTITY = ("node", "host", "os")


MACHINE_INPUTS = {
    "node": Input("string"),
    "host": Input("string"),
    "os": Input("string", required=False),
    "memory": Input("integer", required=False),
    "volumes": Input("array", required=False),
    "egress": Input("array", required=False),
}


class Machine:
    """Starts a throw-away host on this computer and says how it is reached."""

    inputs = MACHINE_INPUTS

    def check(self, inputs: Values) -> tuple[Values, list[tuple[str, str]]]:
        """Fill in what may be left out."""
        return {"os": "debian-13", "volumes": [], "egress": [], **inputs}, []

    def diff(self, old_inputs: Values, old_outputs: Values, inputs: Values) -> Difference:
        """Name what differs; another release of the system is another host.

        A host of this computer that is down, or gone, differs too: looking costs a file and /proc.
        """
        changes: dict[str, Kind] = {
            name: "UPDATE_REPLACE" if name in _IDENTITY else "UPDATE"
            for name in self.inputs
            if plain(old_inputs.get(name)) != plain(inputs.get(name))
        }
        found = look_at_machine(plain(old_inputs), old_outputs)
        if found is None or plain(found.get("drift")):
            changes["drift"] = "UPDATE"
        return Difference(changes, frozenset({"drift"}))

    async def create(self, context: Context, inputs: Values) -> tuple[str, Values]:
        """Start the host."""
        if context.preview:
            return "", _outputs(inputs, UNKNOWN, UNKNOWN)
        return _identity(inputs), await start_machine(context, inputs)

    async def read(self, _context: Context, inputs: Values, outputs: Values) -> Values | None:
        """Look whether the host runs, and whether there is one at all."""
        if not inputs:
            raise Refused("a sandbox host cannot be imported; `cairn up` takes one that runs")
        return await asyncio.to_thread(look_at_machine, plain(inputs), outputs)

    async def update(
        self, context: Context, _old_inputs: Values, old_outputs: Values, inputs: Values
    ) -> Values:
        """Start the host again if it is down, with the ways out and volumes of now."""
        if not context.preview:
            return await start_machine(context, inputs)
        if look_at_machine(plain(inputs), old_outputs) is None:
            return _outputs(inputs, UNKNOWN, UNKNOWN)
        return {**old_outputs, "drift": []}

    async def delete(self, context: Context, inputs: Values, _outputs: Values) -> None:
        """Remove the host; its data volumes stay unless the node's name is repeated."""
        from cairn import sandbox  # noqa: PLC0415 - only where there is a sandbox

        node, host = plain(inputs["node"]), plain(inputs["host"])
        with_data = os.environ.get(DELETE_DATA) == node
        async with context.turn(_identity(inputs)):
            await asyncio.to_thread(sandbox.remove, node, host, delete_data=with_data)


async def start_machine(context: Context, inputs: Values) -> Values:
    """Start the host, or take the one that runs, and return the outputs.

    Raises:
        HalfDone: It was cancelled or took too long; what runs by then is found by the next start.
    """
    from cairn import sandbox  # noqa: PLC0415 - only where there is a sandbox

    wanted, loop = plain(inputs), asyncio.get_running_loop()

    told: list[Future[None]] = []

    def tell(text: str) -> None:
        told.append(asyncio.run_coroutine_threadsafe(context.status(text), loop))

    begun = False
    try:
        async with context.turn(_identity(inputs)):
            begun = True
            running = await asyncio.to_thread(
                sandbox.start,
                wanted["node"],
                wanted["host"],
                os=wanted["os"],
                memory=wanted.get("memory"),
                volumes=wanted["volumes"],
                egress=wanted["egress"],
                progress=tell,
            )
            await asyncio.gather(*map(asyncio.wrap_future, told))
    except (TimeoutError, asyncio.CancelledError) as cut:
        if isinstance(cut, asyncio.CancelledError) and not begun:
            raise
        why = f"{wanted['host']}: its start was cut short; the next `cairn up` goes on"
        raise HalfDone(why, _identity(inputs), _outputs(inputs, {}, "")) from None
    return _outputs(inputs, dict(running.connection), running.machine)


def look_at_machine(inputs: Values, outputs: Values) -> Values | None:
    """Return the outputs as the host is now, None when there is no such host."""
    from cairn import sandbox  # noqa: PLC0415 - only where there is a sandbox

    node, host = inputs["node"], inputs["host"]
    running = sandbox.find(node, host)
    if running is not None:
        return _outputs(inputs, dict(running.connection), running.machine)
    if any((each.node, each.host) == (node, host) for each in sandbox.hosts()):
        return {**outputs, "drift": [STOPPED]}
    return None


def _identity(inputs: Values) -> str:
    return f"{plain(inputs['node'])}/{plain(inputs['host'])}"


def _outputs(inputs: Values, connection: Any, machine: Any) -> Values:  # noqa: ANN401 - or UNKNOWN
    host = inputs["host"]
    return {"host": host, "connection": connection, "machine": machine, "drift": []}
