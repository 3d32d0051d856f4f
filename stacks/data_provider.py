"""A data-provider node: storage, PACS and federated-learning agent in a hospital."""

from __future__ import annotations

from node import Node


class DataProvider(Node):
    """A data-provider node: storage, PACS and federated-learning agent in a hospital."""

    pulumi_type = "cairn:node:DataProvider"
