"""What a role may look at when it says what it needs on a host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cairn.plan.model import PlannedRole
    from cairn.spec.document import Document
    from cairn.spec.hosts import Host
    from cairn.spec.node import Spec


@dataclass(frozen=True, slots=True)
class Place:
    """Where a host is.

    Attributes:
        address: Its IP address, or `local`.
        user: The account that Cairn logs in as.
        gateway: Address of this computer on the sandbox's network; None for existing machines.
        package_cache: URL of the sandbox's package cache (http), or None.
    """

    address: str
    user: str
    gateway: str | None = None
    package_cache: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """One host of one document, with the other roles of that host where they are known.

    Attributes:
        document: The loaded spec with the files that it names.
        host: The host as declared.
        place: Where the host is.
        others: What the other roles of the host need; empty for all roles but `firewall`,
            which is planned last because it lets through what the others declare.
    """

    document: Document
    host: Host
    place: Place
    others: tuple[PlannedRole, ...] = ()

    @property
    def volume(self) -> str:
        """The folder that holds data: `storage.path`, or a default where nothing is declared."""
        storage = self.spec.storage
        return storage.path if storage else "/srv/imaging"

    @property
    def spec(self) -> Spec:
        """The spec of the node."""
        return self.document.spec
