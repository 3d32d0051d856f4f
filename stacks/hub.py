"""The central hub: certificate authority, registry and federated-learning server."""

from __future__ import annotations

from node import Node


class Hub(Node):
    """The central hub: certificate authority, registry and federated-learning server."""

    pulumi_type = "cairn:node:Hub"
