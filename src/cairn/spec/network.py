"""The network a node stands in: the way out, the way in, and who may use either."""

from __future__ import annotations

from typing import Literal

from cairn.spec.model import Declared
from cairn.spec.types import (
    Address,
    CertificatePath,
    Destination,
    HttpUrl,
    Name,
    Network,
    Port,
    ProxyUrl,
    Sentence,
)

TlsVersion = Literal["1.2", "1.3"]


class Egress(Declared):
    """One more destination that the hosts of the node may reach."""

    name: Name
    """A short name; it stands in the firewall rule."""
    to: Destination
    """Host name, address or network; no wildcards."""
    port: Port
    """Destination port."""
    protocol: Literal["tcp", "udp"] = "tcp"
    """Transport protocol."""
    tls: TlsVersion | None = None
    """Lowest TLS version of the connection, if it is TLS."""
    why: Sentence
    """The reason, in a sentence that a data-protection officer can read."""


class Zones(Declared):
    """The networks of the site that matter to the node."""

    research: Network
    """The network the node stands in."""
    clinical: tuple[Network, ...] = ()
    """Networks of clinical systems; never the same as `research`."""


class Nets(Declared):
    """How the hosts of the node reach others and are reached."""

    proxy: ProxyUrl | None = None
    """The site's HTTP proxy, if connections to the outside go through one."""
    no_proxy: tuple[Destination, ...] = ()
    """Destinations that are reached without the proxy."""
    dns: tuple[Address, ...] = ()
    """Name servers; if absent, the ones that each host already uses."""
    ntp: tuple[Destination, ...] = ("0.debian.pool.ntp.org", "1.debian.pool.ntp.org")
    """Time servers; at least two."""
    debian_mirror: HttpUrl = "http://deb.debian.org/debian"
    """Where Debian packages come from."""
    debian_security_mirror: HttpUrl = "http://deb.debian.org/debian-security"
    """Where Debian's security updates come from."""
    trust_anchors: tuple[CertificatePath, ...] = ()
    """PEM files of the site's own certificate authorities, relative to the spec."""
    operators_from: tuple[Network, ...] = ()
    """Networks that administrators and Cairn itself connect from; any, if absent."""
    modalities_from: Network | None = None
    """The network that modalities send images from."""
    zones: Zones | None = None
    """Research and clinical networks of the site."""
    egress: tuple[Egress, ...] = ()
    """Destinations beyond those that follow from the roles; everything else is denied."""
