"""What a kind of resource must answer, and what it is given to do so."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from cairn.provider.wire import Secret, Unknown, Values

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from cairn.provider.engine import Engine
    from cairn.provider.surveys import Surveys
    from cairn.provider.turns import Turns

Kind = Literal["ADD", "UPDATE", "DELETE", "ADD_REPLACE", "UPDATE_REPLACE", "DELETE_REPLACE"]
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a resource: its JSON type, and whether it must be there."""

    type: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Difference:
    """What an update would be about.

    Attributes:
        changes: Pulumi property paths (`files["/etc/nftables.conf"].content`) and their kind.
        from_outputs: Those that come from what the host was found to be, not from the program.
    """

    changes: dict[str, Kind] = field(default_factory=dict)
    from_outputs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Context:
    """One operation on one resource.

    Attributes:
        urn: Pulumi's name of the resource.
        preview: Only tell what would be done.
        timeout: Seconds the work may take once its turn has come; 0 for no limit.
    """

    urn: str
    preview: bool
    timeout: float
    engine: Engine
    turns: Turns
    surveys: Surveys

    async def status(self, text: str) -> None:
        """Show what is being done right now."""
        await self.engine.status(self.urn, text)

    async def say(self, text: str) -> None:
        """Tell something that stays on the screen."""
        await self.engine.say(self.urn, text)

    @asynccontextmanager
    async def turn(self, host: str | None) -> AsyncIterator[None]:
        """Wait for the host to be free, if one is changed; from then on the time is limited.

        Raises:
            TimeoutError: The work took longer than the resource's timeout allows.
        """
        async with self.turns.of(host), asyncio.timeout(self.timeout or None):
            yield


class Handler(Protocol):
    """One kind of resource."""

    @property
    def inputs(self) -> Mapping[str, Input]:
        """Return the inputs it takes."""

    def check(self, inputs: Values, /) -> tuple[Values, list[tuple[str, str]]]:
        """Return the inputs to record, and (property, reason) of each one that is wrong."""

    def diff(self, old_inputs: Values, old_outputs: Values, inputs: Values, /) -> Difference:
        """Compare; looks at nothing but its arguments."""

    async def create(self, context: Context, inputs: Values, /) -> tuple[str, Values]:
        """Return id and outputs; in a preview what is known of them."""

    async def read(self, context: Context, inputs: Values, outputs: Values, /) -> Values | None:
        """Return the outputs as the world has them, None when the resource is gone."""

    async def update(
        self, context: Context, old_inputs: Values, old_outputs: Values, inputs: Values, /
    ) -> Values:
        """Return the new outputs; in a preview what is known of them."""

    async def delete(self, context: Context, inputs: Values, outputs: Values, /) -> None:
        """Take the resource away; one that is gone already is fine."""


def misfits(wanted: Mapping[str, Input], inputs: Values) -> list[tuple[str, str]]:
    """Return (property, reason) of each input that is missing, unknown here or of a wrong type."""
    wrong = [
        (name, f"`{name}` is not an input; the inputs are {', '.join(wanted)}")
        for name in inputs
        if name not in wanted
    ]
    for name, one in wanted.items():
        value = inputs.get(name)
        if value is None and one.required:
            wrong.append((name, f"`{name}` is missing"))
        elif value is not None and not _fits(value, one.type):
            wrong.append((name, f"`{name}` must be of type {one.type}"))
    return wrong


def _fits(value: Any, kind: str) -> bool:  # noqa: ANN401 - any value
    while isinstance(value, Secret):
        value = value.value
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, (*_TYPES[kind], Unknown))
