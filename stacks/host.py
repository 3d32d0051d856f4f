"""One host of a node: its machine, and the roles on it one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from cairn.artefacts.lock import inputs_of
from cairn.render.files import render_role
from cairn.spec.hosts import ExistingMachine
from cairn.stack.places import existing_connection
from resources import Bucket, Machine, Role

if TYPE_CHECKING:
    from cairn.plan.model import PlannedBucket, PlannedHost, PlannedRole
    from cairn.stack.admission import Admitted


class Host(pulumi.ComponentResource):
    """A machine and what runs on it.

    There is no `Machine` for an existing one: Cairn neither makes it nor takes it away.
    """

    def __init__(
        self, node: Admitted, host: PlannedHost, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("cairn:node:Host", host.name, None, opts)
        self.roles: list[Role] = []
        self.buckets: list[Bucket] = []
        self._machine = self._sandbox_machine(node, host)
        for role in host.roles:
            self.roles.append(self._role(node, host, role))
            self.buckets += [self._bucket(node, host, each) for each in role.buckets]
        self.register_outputs({})

    def _sandbox_machine(self, node: Admitted, host: PlannedHost) -> Machine | None:
        if not host.sandbox:
            return None
        ways_out = [
            {"to": flow.peer, "port": flow.port, "protocol": flow.protocol}
            for flow in host.flows
            if flow.direction == "out"
        ]
        inputs = {
            "node": node.plan.node,
            "host": host.name,
            "os": host.os,
            "volumes": list(host.volumes),
            "egress": ways_out,
        }
        # A machine that must be made anew keeps its address, so the old one goes first.
        opts = pulumi.ResourceOptions(parent=self, delete_before_replace=True)
        return Machine(f"{host.name}-machine", inputs, opts)

    def _role(self, node: Admitted, host: PlannedHost, role: PlannedRole) -> Role:
        files = {
            file.path: {
                "content": file.content,
                "mode": file.mode,
                "owner": file.owner,
                "group": file.group,
            }
            for file in render_role(node.plan.node, host, role)
        }
        inputs = {
            "node": node.plan.node,
            "host": host.name,
            "role": role.name,
            "connection": self._connection(node, host),
            "variables": dict(role.variables),
            "files": files,
            "artefacts": inputs_of(role.artefacts),
        }
        opts = pulumi.ResourceOptions(
            parent=self, depends_on=self.roles[-1:], deleted_with=self._machine
        )
        return Role(f"{host.name}-{role.name}", inputs, opts)

    def _bucket(self, node: Admitted, host: PlannedHost, bucket: PlannedBucket) -> Bucket:
        storage = node.document.spec.storage
        inputs = {
            "node": node.plan.node,
            "host": host.name,
            "name": bucket.name,
            "connection": self._connection(node, host),
            "endpoint": storage.endpoint if storage else None,
            "credentials": storage.credentials if storage else None,
            "versioning": bucket.versioning,
            "retention": dict(zip(("mode", "days"), bucket.retention or (), strict=False)) or None,
            "expire_days": bucket.expire_days,
            "readers": list(bucket.readers),
            "writers": list(bucket.writers),
            "keepers": list(bucket.keepers),
        }
        opts = pulumi.ResourceOptions(
            parent=self, depends_on=self.roles[-1:], deleted_with=self._machine
        )
        return Bucket(f"{host.name}-bucket-{bucket.name}", inputs, opts)

    def _connection(self, node: Admitted, host: PlannedHost) -> pulumi.Input[dict[str, Any]]:
        if self._machine is not None:
            return self._machine.connection
        declared = next(each for each in node.document.spec.hosts if each.name == host.name)
        if not isinstance(declared.machine, ExistingMachine):
            raise TypeError(host.name)
        return existing_connection(declared.machine)
