"""The three kinds of node, each one spec."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StrictInt

from cairn.spec.hosts import Host
from cairn.spec.imaging import Backup, FrozenDataset, Gpu, HeldDataset, Pacs, Storage
from cairn.spec.legal import Compliance, Legal, Permit, ServiceLevel
from cairn.spec.model import Declared
from cairn.spec.network import Nets
from cairn.spec.services import Compute, Federation, FlAgent, Hub, Logging, Search
from cairn.spec.site import Administrator, Identity, Site
from cairn.spec.types import Name

#: The version of the spec that this release reads; older ones are migrated by `cairn migrate`.
SPEC_VERSION = 1


class Node(Declared):
    """What every kind of node declares."""

    spec_version: Annotated[StrictInt, Field(ge=1, le=1)]
    """Version of this format; `cairn migrate` rewrites older ones."""
    name: Name
    """Name of the node: the same as the file and the Pulumi stack."""
    site: Site
    """The organisation that answers for the node."""
    stage: Literal["production", "staging"]
    """`production` protects what holds data against deletion."""
    hosts: Annotated[tuple[Host, ...], Field(min_length=1)]
    """The machines of the node."""
    administrators: tuple[Administrator, ...] = ()
    """People who may log in to the hosts; two to six."""
    identity: Identity | None = None
    """How people prove who they are to the services."""
    network: Nets = Nets()
    """The network the node stands in."""
    storage: Storage | None = None
    """Where data are kept."""
    backup: Backup | None = None
    """Where the second copy is."""
    logging: Logging = Logging()
    """How long logs are kept and where they go."""
    legal: Legal | None = None
    """What the processing rests on."""
    service_level: ServiceLevel | None = None
    """What the site promises."""
    compliance: Compliance = Compliance()
    """Dated exceptions."""


class DataProviderNode(Node):
    """A node in a hospital: its images stay here, computations come to them."""

    kind: Literal["data-provider"]
    """The kind of node."""
    federation: Federation
    """The federation it belongs to."""
    pacs: Pacs | None = None
    """Who may send images and how they are de-identified."""
    gpu: Gpu = Gpu(vendor="none")
    """The graphics processor for training."""
    datasets: tuple[FrozenDataset, ...] = ()
    """Data sets that computations may be granted."""
    permits: tuple[Permit, ...] = ()
    """Data permits that computations rest on."""
    search: Search = Search()
    """Protection of counts in federated search."""
    fl_agent: FlAgent = FlAgent()
    """The federated-learning agent."""


class HubNode(Node):
    """The central hub: it knows nodes and models, never patients."""

    kind: Literal["hub"]
    """The kind of node."""
    hub: Hub
    """What the hub offers."""


class ComputeNode(Node):
    """A compute node: it takes frozen data sets from consenting nodes."""

    kind: Literal["compute"]
    """The kind of node."""
    federation: Federation
    """The federation it belongs to."""
    compute: Compute
    """What it offers."""
    gpu: Gpu = Gpu(vendor="none")
    """The graphics processor for training."""
    datasets: tuple[HeldDataset, ...] = ()
    """Data sets that it holds for a time."""
    permits: tuple[Permit, ...] = ()
    """Data permits that computations rest on."""
    fl_agent: FlAgent = FlAgent()
    """The federated-learning agent."""


Spec: TypeAlias = DataProviderNode | HubNode | ComputeNode

KINDS: dict[str, type[Node]] = {
    "data-provider": DataProviderNode,
    "hub": HubNode,
    "compute": ComputeNode,
}
