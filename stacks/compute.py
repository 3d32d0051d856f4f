"""A compute node: frozen data sets of consenting nodes, close to big machines."""

from __future__ import annotations

from node import Node


class Compute(Node):
    """A compute node: frozen data sets of consenting nodes, close to big machines."""

    pulumi_type = "cairn:node:Compute"
