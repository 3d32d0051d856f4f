"""The resources of the Cairn provider, as Pulumi programs see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Machine(pulumi.CustomResource):
    """A sandbox host; how it is reached is known once it runs."""

    connection: pulumi.Output[dict[str, Any]]

    def __init__(
        self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        outputs = {"connection": None, "machine": None, "drift": None}
        super().__init__("cairn:index:Machine", name, {**outputs, **inputs}, opts)


class Role(pulumi.CustomResource):
    """One Ansible role on one host."""

    runs: pulumi.Output[int]

    def __init__(
        self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        outputs = {"applied": None, "runs": None, "changed": None, "drift": None}
        super().__init__("cairn:index:Role", name, {**outputs, **inputs}, opts)


class Bucket(pulumi.CustomResource):
    """One S3 bucket and who may use it."""

    runs: pulumi.Output[int]

    def __init__(
        self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        outputs = {"runs": None, "changed": None, "drift": None}
        super().__init__("cairn:index:Bucket", name, {**outputs, **inputs}, opts)


class Verification(pulumi.CustomResource):
    """The host checks of a node, asked of the live hosts whenever something was applied."""

    def __init__(
        self,
        name: str,
        *,
        node: str,
        triggers: Sequence[pulumi.Input[int]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"node": node, "triggers": triggers, "passed": None}
        super().__init__("cairn:index:Verification", name, inputs, opts)
