"""The plan of a node: everything that will be on its hosts, as plain immutable data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cairn.artefacts.lock import Artefact

#: Peer of a flow that stands for the name servers in the host's /etc/resolv.conf.
RESOLVERS = "resolvers"
#: Peer of an incoming flow that is open to every source.
ANYWHERE = "anywhere"


@dataclass(frozen=True, slots=True)
class Flow:
    """One allowed network connection, with its why.

    Attributes:
        name: Unique on the host, `[a-z0-9-]+`; stands in the firewall rule's comment.
        direction: Seen from the host: `in` or `out`.
        peer: The other end: a host name, an address, a network, `resolvers` or `anywhere`.
        protocol: `tcp` or `udp`.
        port: Destination port.
        why: The reason, in a sentence for a data-protection officer.
        role: The role that needs it.
        tls: Lowest TLS version, or None where the flow is not TLS.
        user: The local account the flow is limited to (outgoing only), or None.
    """

    name: str
    direction: Literal["in", "out"]
    peer: str
    protocol: Literal["tcp", "udp"]
    port: int
    why: str
    role: str
    tls: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that a service of the host listens on.

    Attributes:
        address: Local address it binds to (`*` for all).
        port: Port number.
        protocol: `tcp` or `udp`.
        process: Name of the process as `ss -p` prints it.
        inward: Whether it binds to all addresses because it cannot do otherwise, answers the
            loopback only, and has no flow.
        after: A file that the host gets later, as a node does when it enrols; before it is there,
            nothing need listen. Empty where it listens from the start.
        sometimes: Whether it is open only while something is at work.
    """

    address: str
    port: int
    protocol: Literal["tcp", "udp"]
    process: str
    inward: bool = False
    after: str = ""
    sometimes: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the host that Cairn makes or relies on.

    Attributes:
        name: Login name.
        purpose: What it is for, as a phrase.
        login: Whether it may log in over SSH.
        sudo: `no`, `with password`, or `without password`.
        keys: Public SSH keys, one line each.
        loopback_only: Whether the firewall refuses whatever it sends off the host, also where a
            flow is open to every account.
    """

    name: str
    purpose: str
    login: bool
    sudo: Literal["no", "with password", "without password"] = "no"
    keys: tuple[str, ...] = ()
    loopback_only: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """A systemd unit and the state it is in when the host is as planned.

    Attributes:
        unit: Full unit name (`ssh.service`, `cairn-flows.timer`).
        active: Whether it runs all the time; one-shot units that ended well count as active.
        enabled: Whether it starts at boot.
        confined: Whether it is shut in: own user, no rights, few system calls.
        after: A file that the host gets later; before it is there, the unit need not run. Empty
            where it runs from the start.
    """

    unit: str
    active: bool = True
    enabled: bool = True
    confined: bool = False
    after: str = ""


@dataclass(frozen=True, slots=True)
class Secret:
    """A file of the host that holds a secret, which is made there and never leaves it.

    Attributes:
        path: Absolute path on the host.
        owner: The one account that may read it.
        mode: Octal, as in `0400`.
        after: A file that the host gets later; before it is there, the secret need not be. Empty
            where it is made from the start.
    """

    path: str
    owner: str = "root"
    mode: str = "0600"
    after: str = ""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file that is rendered from the spec alone.

    Attributes:
        path: Absolute path on the host.
        template: Path under `templates/`.
        mode: Octal, as in `0644`.
        owner: Owning user.
        group: Owning group.
        settings: What this file's template sees on top of the role's settings.
    """

    path: str
    template: str
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlannedBucket:
    """An S3 bucket and who may use it.

    Attributes:
        name: Its name.
        versioning: Whether older versions are kept.
        retention: `governance` or `compliance` and the days that objects are locked, or None.
        expire_days: Days after which objects are deleted, or None.
        readers: Access keys of those who may list and read.
        writers: Access keys of those who may write and delete.
        keepers: Those of them who may delete older versions as well: whoever freezes data
            sets, or holds copies of them.
    """

    name: str
    versioning: bool = True
    retention: tuple[str, int] | None = None
    expire_days: int | None = None
    readers: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    keepers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedRole:
    """What one role puts on one host.

    Attributes:
        name: The role, a folder of `roles/`.
        variables: What Ansible hands to the role; JSON types, each name prefixed `<role>_`.
        settings: What the templates of the role see; plain data.
        promises: What a data-protection officer reads first: each a word and a sentence.
        without: What the role leaves out because the machine cannot do it, each with its reason.
        artefacts: What is sent to the host before the role runs, because no Debian archive has it.
        secrets: Files with secrets that the host makes itself.
        buckets: What is made in the S3 storage once the role runs.
    """

    name: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[PlannedFile, ...] = ()
    packages: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    accounts: tuple[Account, ...] = ()
    listeners: tuple[Listener, ...] = ()
    flows: tuple[Flow, ...] = ()
    promises: tuple[tuple[str, str], ...] = ()
    without: tuple[str, ...] = ()
    artefacts: tuple[Artefact, ...] = ()
    secrets: tuple[Secret, ...] = ()
    buckets: tuple[PlannedBucket, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedHost:
    """One host and all that is on it.

    Attributes:
        name: Name inside the node.
        os: `debian-13` or `debian-12`.
        address: IP address, or `local` for the computer that Cairn runs on.
        sandbox: Whether it is a throw-away machine of this computer.
        capabilities: What the machine can do beyond a container.
        volumes: Paths that hold data and survive everything but `--delete-data`.
        roles: Roles in the order in which they are applied.
        pending: Roles of the spec that this release cannot install yet.
    """

    name: str
    os: str
    address: str
    sandbox: bool
    capabilities: tuple[str, ...]
    volumes: tuple[str, ...]
    roles: tuple[PlannedRole, ...]
    pending: tuple[str, ...] = ()

    @property
    def flows(self) -> tuple[Flow, ...]:
        """All flows of all roles of the host."""
        return tuple(flow for role in self.roles for flow in role.flows)

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """All sockets that may be open on the host."""
        return tuple(listener for role in self.roles for listener in role.listeners)

    @property
    def services(self) -> tuple[Service, ...]:
        """All units that the plan speaks of."""
        return tuple(service for role in self.roles for service in role.services)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """All files with secrets that the host makes itself."""
        return tuple(secret for role in self.roles for secret in role.secrets)

    @property
    def buckets(self) -> tuple[PlannedBucket, ...]:
        """All buckets that are made in its storage."""
        return tuple(bucket for role in self.roles for bucket in role.buckets)

    @property
    def accounts(self) -> tuple[Account, ...]:
        """All accounts that Cairn makes or relies on."""
        return tuple(account for role in self.roles for account in role.accounts)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that follows from one spec.

    Attributes:
        node: Name of the node.
        kind: `data-provider`, `hub` or `compute`.
        stage: `production` or `staging`.
        spec_digest: SHA-256 of the spec's bytes (`sha256:...`).
    """

    node: str
    kind: str
    stage: str
    spec_digest: str
    hosts: tuple[PlannedHost, ...]

    def host(self, name: str) -> PlannedHost:
        """Return the host of that name; KeyError if the plan has none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)
