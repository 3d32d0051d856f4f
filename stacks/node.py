"""What every kind of node is made of: its hosts, and the proof that they are as planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from host import Host
from resources import Verification

if TYPE_CHECKING:
    from cairn.stack.admission import Admitted


class Node(pulumi.ComponentResource):
    """A node; the kinds differ in what their hosts run, which the plan says."""

    pulumi_type: str

    def __init__(self, node: Admitted) -> None:
        super().__init__(self.pulumi_type, node.plan.node)
        below = pulumi.ResourceOptions(parent=self)
        self.hosts = [Host(node, host, below) for host in node.plan.hosts]
        roles = [role for host in self.hosts for role in host.roles]
        buckets = [bucket for host in self.hosts for bucket in host.buckets]
        Verification(
            "verification",
            node=node.plan.node,
            triggers=[*(role.runs for role in roles), *(bucket.runs for bucket in buckets)],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*roles, *buckets]),
        )
        self.register_outputs({})
        pulumi.export("addresses", {host.name: host.address for host in node.plan.hosts})
        pulumi.export("spec_digest", node.plan.spec_digest)
