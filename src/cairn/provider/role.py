"""One Ansible role on one host, as a Pulumi resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn.provider.failures import Refused
from cairn.provider.role_apply import (
    apply_role,
    find_drift,
    identity_of,
    outputs_of,
    remove_role,
)
from cairn.provider.role_diff import compare_roles
from cairn.provider.role_inputs import ROLE_INPUTS, check_role
from cairn.provider.role_preview import artefact_news, file_diffs
from cairn.provider.wire import UNKNOWN, Values

if TYPE_CHECKING:
    from cairn.provider.resource import Context, Difference


class Role:
    """Makes a host be as its rendered files, variables and role say."""

    inputs = ROLE_INPUTS

    def check(self, inputs: Values) -> tuple[Values, list[tuple[str, str]]]:
        """Judge names, paths and connection; add the digest of the role's code."""
        return check_role(inputs)

    def diff(self, old_inputs: Values, old_outputs: Values, inputs: Values) -> Difference:
        """Name each changed file and variable."""
        return compare_roles(old_inputs, old_outputs, inputs)

    async def create(self, context: Context, inputs: Values) -> tuple[str, Values]:
        """Run the role for the first time."""
        if context.preview:
            return "", await self._preview(context, {}, inputs)
        return identity_of(inputs), await apply_role(context, inputs, {}, {})

    async def read(self, context: Context, inputs: Values, outputs: Values) -> Values | None:
        """Run the role in check mode; what it would change is drift."""
        if not inputs:
            raise Refused("a role cannot be imported; `cairn up` finds what is on the host already")
        return await find_drift(context, inputs, outputs)

    async def update(
        self, context: Context, old_inputs: Values, old_outputs: Values, inputs: Values
    ) -> Values:
        """Run the role again; it is told what an earlier run put there and is no longer planned."""
        if context.preview:
            return await self._preview(context, old_inputs, inputs)
        return await apply_role(context, inputs, old_inputs, old_outputs)

    async def delete(self, context: Context, inputs: Values, outputs: Values) -> None:
        """Take away what the role installed; data stays."""
        await remove_role(context, inputs, outputs)

    @staticmethod
    async def _preview(context: Context, old_inputs: Values, inputs: Values) -> Values:
        for text in (*artefact_news(old_inputs, inputs), *file_diffs(old_inputs, inputs)):
            await context.say(text)
        return outputs_of(inputs, runs=UNKNOWN, changed=UNKNOWN)
