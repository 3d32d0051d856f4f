"""An S3 bucket and who may use it, as a Pulumi resource."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cairn.ansible.job import Connection
from cairn.provider import bucket_state
from cairn.provider.failures import HalfDone, Refused
from cairn.provider.machine import DELETE_DATA
from cairn.provider.resource import Difference, Input
from cairn.provider.s3 import s3_at, s3_of_host
from cairn.provider.wire import UNKNOWN, Values, plain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from cairn.provider.resource import Context, Kind

BUCKET_INPUTS = {
    "node": Input("string"),
    "host": Input("string"),
    "name": Input("string"),
    "connection": Input("object"),
    "endpoint": Input("string", required=False),
    "credentials": Input("string", required=False),
    "versioning": Input("boolean", required=False),
    "retention": Input("object", required=False),
    "expire_days": Input("integer", required=False),
    "readers": Input("array", required=False),
    "writers": Input("array", required=False),
}
#: The settings of a bucket in words.
TITLES = {
    "versioning": "versioning",
    "retention": "retention",
    "expire_days": "expiry",
    "policy": "policy",
}
#: A change of one of these makes another bucket.
_IDENTITY = ("node", "host", "name", "endpoint")
#: A host that has only moved is the same host, and a reference is not what it refers to.
_PASSING = ("connection", "credentials")


class Bucket:
    """Makes a bucket be as declared; one that holds data is never deleted by the way."""

    inputs = BUCKET_INPUTS

    def check(self, inputs: Values) -> tuple[Values, list[tuple[str, str]]]:
        """Fill in what may be left out."""
        return {"versioning": True, "readers": [], "writers": [], **inputs}, []

    def diff(self, old_inputs: Values, old_outputs: Values, inputs: Values) -> Difference:
        """Name each changed property, and what was found changed by hand."""
        changes: dict[str, Kind] = {
            name: "UPDATE_REPLACE" if name in _IDENTITY else "UPDATE"
            for name in self.inputs
            if name not in _PASSING and plain(old_inputs.get(name)) != plain(inputs.get(name))
        }
        if plain(old_outputs.get("drift")):
            changes["drift"] = "UPDATE"
        return Difference(changes, frozenset({"drift"}))

    async def create(self, context: Context, inputs: Values) -> tuple[str, Values]:
        """Make the bucket, or take the one that is there."""
        if context.preview:
            return "", {**_outputs(inputs), "changed": UNKNOWN, "runs": UNKNOWN}
        return _identity(inputs), await apply_bucket(context, inputs, {})

    async def read(self, context: Context, inputs: Values, outputs: Values) -> Values | None:
        """Look which settings differ from what was applied."""
        if not inputs:
            raise Refused("a bucket cannot be imported; `cairn up` takes one that is there")
        async with _client(context, inputs) as s3:
            found = await asyncio.to_thread(bucket_state.look, s3, plain(inputs["name"]))
        if found is None:
            return None
        wanted = bucket_state.settings_of(plain(inputs))
        names = [one for one in bucket_state.SETTINGS if found[one] != wanted[one]]
        bucket = f"bucket {plain(inputs['name'])}"
        drift = [{"task": f"Set the {TITLES[one]}", "what": bucket, "diff": ""} for one in names]
        return {**outputs, **_outputs(inputs), "drift": drift}

    async def update(
        self, context: Context, _old_inputs: Values, old_outputs: Values, inputs: Values
    ) -> Values:
        """Set what differs."""
        if context.preview:
            return {**_outputs(inputs), "changed": UNKNOWN, "runs": UNKNOWN}
        return await apply_bucket(context, inputs, old_outputs)

    async def delete(self, context: Context, inputs: Values, _outputs: Values) -> None:
        """Delete an empty bucket; one that holds data stays unless the node's name is repeated."""
        name = plain(inputs["name"])
        with_data = os.environ.get(DELETE_DATA) == plain(inputs["node"])
        async with _client(context, inputs) as s3:
            kept = await asyncio.to_thread(_delete, s3, name, with_data=with_data)
        if kept:
            await context.say(f"bucket {name} holds data and stays; --delete-data deletes it")


async def apply_bucket(context: Context, inputs: Values, old_outputs: Values) -> Values:
    """Make the bucket if it is missing, set what differs, and return the outputs.

    Raises:
        Refused: The service cannot be reached, or refuses the bucket.
        HalfDone: It refuses a setting; the next `up` goes on.
    """
    name, wanted = plain(inputs["name"]), bucket_state.settings_of(plain(inputs))
    # Whoever proves the host asks again when it rises, as with a role.
    runs, begun = int(plain(old_outputs.get("runs")) or 0), False
    try:
        async with _client(context, inputs) as s3:
            found = await asyncio.to_thread(bucket_state.look, s3, name)
            if found is None:
                await asyncio.to_thread(bucket_state.make, s3, name, wanted)
                found = await asyncio.to_thread(bucket_state.look, s3, name)
            begun, found = True, found or {}
            changed = await asyncio.to_thread(bucket_state.change, s3, name, found, wanted)
    except Refused as refusal:
        if not begun:
            raise
        half = {**_outputs(inputs), "runs": runs, "drift": [_refused(name)]}
        raise HalfDone(str(refusal), _identity(inputs), half) from None
    await context.status(", ".join(changed) or "nothing changed")
    return {**_outputs(inputs), "changed": changed, "runs": runs + 1}


def _refused(name: str) -> Values:
    return {"task": "Set what was refused", "what": f"bucket {name}", "diff": ""}


def _delete(s3: Any, name: str, *, with_data: bool) -> bool:  # noqa: ANN401 - boto3 has no types
    """Delete a bucket and return whether it was kept because of what is in it."""
    if bucket_state.look(s3, name) is None:
        return False
    if not bucket_state.is_empty(s3, name):
        if not with_data:
            return True
        bucket_state.empty(s3, name)
    s3.delete_bucket(Bucket=name)
    return False


@asynccontextmanager
async def _client(context: Context, inputs: Values) -> AsyncIterator[Any]:
    """Give a client for the time of one operation, and tell its errors in our words."""
    given, place = plain(inputs), f"{plain(inputs['host'])}: bucket {plain(inputs['name'])}"
    way = {name: value for name, value in given["connection"].items() if value is not None}
    opened = (
        s3_at(given["endpoint"], given["credentials"])
        if given.get("endpoint")
        else s3_of_host(given["host"], Connection(**way))
    )
    try:
        async with context.turn(None), opened as s3:
            yield s3
    except TimeoutError:
        raise Refused(f"{place}: took longer than {context.timeout:g} s") from None
    except ClientError as error:
        told = error.response["Error"]
        raise Refused(f"{place}: {told['Code']}: {told.get('Message', '')}") from None
    except BotoCoreError as error:
        raise Refused(f"{place}: the S3 service does not answer: {error}") from None


def _identity(inputs: Values) -> str:
    return "/".join(plain(inputs[name]) for name in ("node", "host", "name"))


def _outputs(inputs: Values) -> Values:
    """Return what is the same before and after an apply."""
    who = {"host": inputs["host"], "role": "storage", "name": inputs["name"]}
    return {**who, "changed": [], "drift": []}
