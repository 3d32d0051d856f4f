"""The federation file: what a hub publishes about itself and every node pins by fingerprint.

It is public: names, addresses, certificates. A node never reads the hub's state, only this.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Literal, cast

from pydantic import AfterValidator, Field, StrictInt
from pydantic_core import PydanticCustomError

from cairn.errors import InvalidSpec, Problem
from cairn.spec import source
from cairn.spec.certificates import fault_of_authority
from cairn.spec.digest import digest_of
from cairn.spec.model import Declared
from cairn.spec.network import TlsVersion
from cairn.spec.signatures import is_signed
from cairn.spec.text import decode, read_bytes
from cairn.spec.types import (
    FEDERATION_PATH,
    Address,
    Destination,
    Fingerprint,
    HostName,
    Name,
    Port,
    Sentence,
    Signature,
    VerifyKey,
)
from cairn.spec.validation import judge

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.spec.tree import Tree

_LOC = ("federation", "file")


def _authority(pem: str) -> str:
    fault = fault_of_authority(pem)
    if fault:
        raise PydanticCustomError("certificate", "{fault}", {"fault": fault})
    return pem


class Endpoint(Declared):
    """One service of the hub that nodes connect to."""

    name: Name
    """A short name; it stands in the firewall rule."""
    host: Destination
    """Host name or address."""
    port: Port
    """Port."""
    protocol: Literal["tcp", "udp"] = "tcp"
    """Transport protocol."""
    tls: TlsVersion | None = None
    """Lowest TLS version, if it is TLS."""
    why: Sentence
    """What it is for, in a sentence that a data-protection officer can read."""


class Application(Declared):
    """An application that the federation lets its nodes approve."""

    name: Name
    """Its name."""
    digest: Fingerprint
    """SHA-256 of its bytes."""


class FederationFile(Declared):
    """What the hub of a federation publishes."""

    federation_version: Annotated[StrictInt, Field(ge=1, le=1)]
    """Version of this format."""
    name: Name
    """Name of the federation."""
    hub: Name
    """Name of the hub's node."""
    domain: Destination
    """Name under which nodes and people reach the hub."""
    endpoints: Annotated[tuple[Endpoint, ...], Field(min_length=1)]
    """Services that nodes connect to."""
    addresses: dict[HostName, Address] = Field(default_factory=dict)
    """Addresses of host names that no name server knows."""
    ca_certificates: Annotated[
        tuple[Annotated[str, AfterValidator(_authority)], ...], Field(min_length=1)
    ]
    """PEM text of the certificate authorities of the federation."""
    keys: tuple[VerifyKey, ...] = ()
    """Public keys of the hub: what it signs are invitations, and this file."""
    applications: tuple[Application, ...] = ()
    """Applications that nodes may approve."""
    policies: Fingerprint | None = None
    """SHA-256 of the consortium's policy bundle."""
    signature: Signature | None = None
    """Signature of all of the above by one of the keys."""


def pinned_by(tree: Tree, folder: Path) -> FederationFile | None:
    """Read the federation file that a spec names, if it is the one that the spec pins.

    Args:
        tree: The spec; what is wrong is added to its faults.
        folder: Folder of the spec.

    Returns:
        The file; `None` if the spec names none or anything is wrong with it.

    Raises:
        InvalidSpec: The file is the pinned one, and something is wrong inside it.
    """
    named = next(tree.texts("federation.file"), None)
    if named is None or re.search(FEDERATION_PATH, named[1]) is None:
        return None
    path = folder / named[1]
    try:
        data = read_bytes(path, named[1])
    except InvalidSpec as error:
        tree.fault(_LOC, error.problems[0].message)
        return None
    pinned = next(tree.texts("federation.fingerprint"), None)
    if pinned and pinned[1] != digest_of(data):
        tree.fault(
            pinned[0],
            "the federation file is another one; if the hub published a new one, run `sha256sum` "
            "on it and compare with the hub's operators by telephone",
        )
        return None
    return _parsed(data, _beside(tree.file, named[1]))


def _beside(file: str, named: str) -> str:
    folder, slash, _ = file.rpartition("/")
    return f"{folder}{slash}{named}"


@lru_cache(maxsize=64)
def _parsed(data: bytes, file: str) -> FederationFile:
    """Parse a federation file; many nodes pin the same one.

    JSON that a hub writes is also YAML 1.2, so the reader of specs gives places here too.
    """
    tree = source.read(decode(data, file), file)
    if not isinstance(tree.value, dict) and not tree.faults:
        raise InvalidSpec([Problem(file, 1, 1, "", "a federation file is a JSON object; fetch it "
                                   "from the hub again")])  # fmt: skip
    found = cast("FederationFile | None", None if tree.cut else judge(tree, FederationFile))
    if found and found.signature and not is_signed(tree.value, found.signature, found.keys):
        tree.fault(("signature",), "was altered after the hub signed it; fetch it again")
    if tree.faults:
        raise InvalidSpec(tree.problems())
    return cast("FederationFile", found)
