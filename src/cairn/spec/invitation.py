"""The invitation of a hub: a file beside the spec, with which a node enrols once.

Its token is a secret as long as it is open: it reaches the host and no state, log or report.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cairn.errors import InvalidSpec, Problem
from cairn.spec.digest import digest_of
from cairn.spec.signatures import is_signed
from cairn.spec.text import read_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.spec.federation import FederationFile

#: Ends the name of an invitation, behind the name of the node.
SUFFIX = ".invitation.json"
#: Version of the format.
VERSION = 1
_WANTED = {
    *("invitation_version", "federation", "node", "name", "hub", "authorities"),
    *("expires", "token", "signature"),
}


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that fits node and federation.

    Attributes:
        digest: 64 hex digits of the SHA-256 of its bytes.
        expires: When it ends, ISO 8601 in UTC.
    """

    digest: str
    expires: str


def beside(spec: Path, node: str, federation: FederationFile | None) -> Invitation | None:
    """Read the invitation that lies beside a spec.

    Args:
        spec: The spec.
        node: Name of its node.
        federation: The federation file that the spec pins.

    Returns:
        The invitation, None where there is none.

    Raises:
        InvalidSpec: It is no invitation, or one for another node or of another federation.
    """
    path = spec.with_name(f"{node}{SUFFIX}")
    if not path.exists() or federation is None:
        return None
    data = read_bytes(path, str(path))
    fault = _fault(_decoded(data), node, federation)
    if fault:
        raise InvalidSpec([Problem(str(path), 1, 1, "", fault)])
    return Invitation(digest_of(data).removeprefix("sha256:"), json.loads(data)["expires"])


def _decoded(data: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _fault(told: Any, node: str, federation: FederationFile) -> str | None:  # noqa: ANN401
    again = "ask the operators of the hub for it again (`cairn hub invite`)"
    if not isinstance(told, dict) or set(told) != _WANTED:
        return f"is no invitation, or was cut short; {again}"
    if told["invitation_version"] != VERSION:
        return f"is an invitation of another version; this release reads {VERSION}"
    if told["node"] != node:
        return "is for another node; an invitation counts for one node only"
    if told["federation"] != federation.name or told["hub"] != federation.domain:
        return "is of another federation than the file that the spec pins; compare both"
    try:
        fits = is_signed(told, str(told["signature"]), federation.keys)
    except ValueError:
        fits = False
    if not fits:
        return f"is not signed by this federation; it was altered, or is somebody else's: {again}"
    return None
