"""Services of a node beyond images: logs, federated search, federated learning, hub, compute."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt

from cairn.spec.model import Declared
from cairn.spec.network import TlsVersion
from cairn.spec.types import (
    AbsolutePath,
    CertificatePath,
    Destination,
    Email,
    FederationPath,
    Fingerprint,
    Name,
    Port,
    Size,
)


class LogTarget(Declared):
    """Where logs go besides the host itself."""

    to: Destination
    """The log collector."""
    port: Port = 6514
    """Its port (RFC 5425 assigns 6514 to syslog over TLS)."""
    protocol: Literal["syslog-tls", "journal-upload"] = "syslog-tls"
    """How logs travel."""


class Logging(Declared):
    """How long logs of access and activity are kept."""

    keep_days: Annotated[StrictInt, Field(ge=1)] = 400
    """Days that access, audit and activity logs are kept; a year at least (EHDS Art. 73(1)(e))."""
    at_most_days: Annotated[StrictInt, Field(ge=1)] = 800
    """Days after which they are deleted."""
    at_most_size: Size = Field(default="4 GiB", validate_default=True)
    """Disk space of the journal on each host."""
    central: LogTarget | None = None
    """The site's log collector."""
    dicom_audit: StrictBool = False
    """Whether DICOM audit messages are written (DICOM PS3.15 A.5)."""


class Search(Declared):
    """Protection of counts that leave the node in federated search."""

    minimum_cohort: Annotated[StrictInt, Field(ge=1)] = 10
    """Smallest count that is answered."""
    round_to: Annotated[StrictInt, Field(ge=1)] = 10
    """Counts are rounded to a multiple of this."""


class OutputControl(Declared):
    """What may leave the node as the result of a computation."""

    epsilon: Annotated[StrictFloat, Field(gt=0)] | None = None
    """Budget of differential privacy per run."""
    secure_aggregation: StrictBool = False
    """Whether updates are added up so that the hub sees only the sum."""
    reviewed_by: Email | None = None
    """Who looks at results before they leave."""
    types: tuple[Literal["numpy", "json"], ...] = ("numpy", "json")
    """File types that may leave."""
    at_most: Size = Field(default="256 MiB", validate_default=True)
    """Largest result that may leave."""


class FlAgent(Declared):
    """The federated-learning agent of the node."""

    cores: Annotated[StrictInt, Field(ge=1)] = 2
    """Cores it may use."""
    memory: Size = Field(default="4 GiB", validate_default=True)
    """Memory it may use."""
    minutes_per_task: Annotated[StrictInt, Field(ge=1, le=10080)] = 120
    """Minutes after which a task of an app is ended."""
    output: OutputControl = OutputControl()
    """What may leave the node."""


class Federation(Declared):
    """The federation the node belongs to, pinned."""

    file: FederationPath
    """The file that the hub publishes, relative to the spec."""
    fingerprint: Fingerprint
    """Its SHA-256, compared with the hub's operators by telephone."""
    tier: Annotated[StrictInt, Field(ge=1, le=3)]
    """1 catalogue, 2 federated search, 3 federated processing."""
    participation: Literal["federated", "transfer"] = "federated"
    """Whether the data stay in the house or copies are transferred."""


class Hub(Declared):
    """The central hub of a federation."""

    domain: Destination
    """Name under which nodes and people reach the hub."""
    federation: Name | None = None
    """Name of the federation; that of the node without `-hub` if absent."""
    mode: Literal["federated", "hybrid", "central"] = "federated"
    """How far from the hospitals' images a run may go; its own `mode` says how far it goes."""
    node_authentication: StrictBool = True
    """Whether only enrolled nodes are admitted."""
    tls: TlsVersion = "1.3"
    """Lowest TLS version of the hub's services."""
    minimum_sites: Annotated[StrictInt, Field(ge=1)] = 2
    """Sites without which no result is released."""
    authority: tuple[CertificatePath, ...] = ()
    """The chain that the root signed for this hub, from `cairn hub intermediate`; one file."""
    certificate_days: Annotated[StrictInt, Field(ge=1, le=398)] = 7
    """Lifetime of the certificates that nodes get."""
    keep_updates_days: Annotated[StrictInt, Field(ge=1)] = 30
    """Days that model updates of single sites are kept."""


class Compute(Declared):
    """A compute node that takes frozen data sets from consenting nodes."""

    scheduler: Literal["none", "slurm"] = "none"
    """What hands out the work."""
    scratch: AbsolutePath
    """Folder for data sets while they are computed on; emptied afterwards."""
    sandbox_size: Size
    """Space of one computation."""
