"""The way from a host to the outside: directly, or through the proxy of its site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from cairn.spec.network import Nets

#: Ports of URLs that name none (RFC 9110, 4.2).
PORTS: Final = {"http": 80, "https": 443}


def proxy_to(network: Nets, host: str) -> str:
    """Return the URL of the site's proxy on the way to a host; empty for a direct way."""
    return "" if host in network.no_proxy else network.proxy or ""


def proxy_end(network: Nets, host: str) -> tuple[str, int] | None:
    """Return host and port of the site's proxy on the way to a host; None for a direct way."""
    proxy = proxy_to(network, host)
    return end_of(proxy) if proxy else None


def end_of(url: str) -> tuple[str, int]:
    """Return the host and the port that a URL leads to."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or PORTS[parts.scheme]
