"""Who may approve waivers, from the bundles, and whether a waiver carries their signature.

An approval is an Ed25519 signature (RFC 8032) over the waiver and the name of its node as
canonical JSON (RFC 8785), so it fits no other node, check, host, reason or day.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from cairn.checks.tables import UNREADABLE, content_of
from cairn.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from cairn.spec.legal import Waiver

#: The file of a bundle that names approvers.
FILE: Final = "approvers.yaml"
#: How a signature begins.
ALGORITHM: Final = "ed25519:"
_WANTED: Final = {"name", "key"}
_ALLOWED: Final = _WANTED | {"nodes"}


@dataclass(frozen=True, slots=True)
class Approver:
    """A person whose signature excuses.

    Attributes:
        name: Mail address, as in `approved_by`.
        key: Public key as it is written: a line `ssh-ed25519 ...`, or PEM.
        nodes: Names of the nodes that they approve for; empty means all.
        origin: File that names them.
    """

    name: str
    key: str
    nodes: frozenset[str]
    origin: str

    def may(self, node: str, name: str) -> bool:
        """Whether this is who is named, and approves for that node."""
        return is_same_person(self.name, name) and (not self.nodes or node in self.nodes)


def is_same_person(one: str | None, other: str | None) -> bool:
    """Whether two mail addresses are one; case does not tell persons apart."""
    return (one or "").casefold() == (other or "").casefold()


def load(folders: Iterable[Path]) -> tuple[Approver, ...]:
    """Read `approvers.yaml` of each policy folder that has one.

    Raises:
        PolicyError: A file cannot be read, names nobody, or a key is no public Ed25519 key.
    """
    return tuple(
        one for folder in folders if (folder / FILE).exists() for one in _of_file(folder / FILE)
    )


def _of_file(file: Path) -> Iterator[Approver]:
    try:
        entries = content_of(file)["approvers"]
    except (*UNREADABLE, KeyError, TypeError) as error:
        raise PolicyError(
            f"{file}: cannot be read ({type(error).__name__}); it holds `approvers:`, a list of "
            "maps with name, key, and where they approve for some nodes only, nodes"
        ) from error
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], 1):
        where = f"{file}: approver {number}"
        if not isinstance(entry, dict) or not _WANTED <= set(entry) <= _ALLOWED:
            raise PolicyError(f"{where}: needs name and key, may have nodes, and nothing else")
        name, key, nodes = entry["name"], entry["key"], entry.get("nodes", [])
        if not isinstance(name, str) or "@" not in name:
            raise PolicyError(f"{where}: its name is no mail address")
        if not isinstance(nodes, list) or ("nodes" in entry and not nodes):
            raise PolicyError(f"{where}: nodes is a list of names; leave it out for all")
        if not isinstance(key, str):
            raise PolicyError(f"{where}: its key is text; put it in quotes")
        one = Approver(name, key.strip(), frozenset(map(str, nodes)), str(file))
        public_key(one)
        yield one


def public_key(one: Approver) -> Ed25519PublicKey:
    """Return the key of an approver.

    Raises:
        PolicyError: It is no public Ed25519 key, neither of OpenSSH nor in PEM.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - waivers are rare
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    data = one.key.encode()
    read = (
        serialization.load_pem_public_key
        if data.startswith(b"-----")
        else serialization.load_ssh_public_key
    )
    try:
        key = read(data)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise PolicyError(
            f"{one.origin}: the key of {one.name} is no public Ed25519 key; write the line that "
            "`ssh-keygen -t ed25519` left in its .pub file, or a PEM of `cairn report key`"
        )
    return key


def signed_bytes(node: str, waiver: Waiver) -> bytes:
    """Return what an approver signs: everything that the waiver says, and for which node."""
    import rfc8785  # noqa: PLC0415 - waivers are rare

    said = waiver.model_dump(mode="json", exclude={"signature"})
    return rfc8785.dumps({"cairn_waiver": 1, "node": node, **said})


class Signs(Protocol):
    """A private Ed25519 key, in a file or in hardware."""

    def sign(self, data: bytes, /) -> bytes:
        """Return the signature, 64 bytes."""


def sign(node: str, waiver: Waiver, key: Signs) -> str:
    """Return the signature as a spec holds it."""
    return f"{ALGORITHM}{base64.b64encode(key.sign(signed_bytes(node, waiver))).decode()}"


def fault(approvers: Sequence[Approver], node: str, waiver: Waiver) -> str:
    """Return why a waiver is not approved; empty if it is."""
    if waiver.requested_by is None:
        return "it does not say who asked for it (requested_by)"
    if is_same_person(waiver.requested_by, waiver.approved_by):
        return f"{waiver.approved_by} asked for it and cannot approve it"
    if waiver.signature is None:
        return f"{waiver.approved_by} has not signed it (`cairn waiver sign`)"
    if not any(one.may(node, waiver.approved_by) for one in approvers):
        return f"no bundle names {waiver.approved_by} as an approver for {node} ({FILE})"
    if signer(approvers, node, waiver) is None:
        return (
            f"its signature is not that of {waiver.approved_by} under what it says now; it was "
            "changed afterwards, or another key signed it"
        )
    return ""


def signer(approvers: Iterable[Approver], node: str, waiver: Waiver) -> Approver | None:
    """Return the approver whose signature stands under a waiver, or None."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - waivers are rare

    if waiver.signature is None:
        return None
    signature = base64.b64decode(waiver.signature.removeprefix(ALGORITHM))
    for one in approvers:
        if one.may(node, waiver.approved_by):
            try:
                public_key(one).verify(signature, signed_bytes(node, waiver))
            except InvalidSignature:
                continue
            return one
    return None
