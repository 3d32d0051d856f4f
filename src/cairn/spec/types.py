"""The scalar types of a spec: names, addresses, sizes, references to secrets."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ByteSize,
    Field,
    StrictInt,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

#: RFC 1123 host name label, shortened so that a node and a host fit into one machine name.
Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$"),
    Field(description="lower-case letters, digits and hyphens, at most 32, starting with a letter"),
]
#: A Debian login name (adduser's NAME_REGEX), at most 32 characters (useradd(8)).
Login = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
Sentence = Annotated[str, StringConstraints(min_length=3, max_length=400, strip_whitespace=True)]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s<>]+@[a-z0-9-]+(\.[a-z0-9-]+)+$")]
Phone = Annotated[str, StringConstraints(pattern=r"^\+[0-9 ]{6,20}$")]
#: DICOM PS3.5 table 6.2-1, VR AE: 1-16 characters, no backslash, no control characters;
#: spaces inside are allowed by the standard and refused here because modalities trip over them.
AeTitle = Annotated[str, StringConstraints(pattern=r"^[!-\[\]-~]{1,16}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Port = Annotated[StrictInt, Field(ge=1, le=65535)]
AbsolutePath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/-]*[A-Za-z0-9._-]$")]
#: ISO 3166-1 alpha-2.
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
PublicKey = Annotated[
    str,
    StringConstraints(
        pattern=r"^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa|sk-ssh-ed25519@openssh\.com) "
        r"[A-Za-z0-9+/]+={0,2}( [^\r\n]*)?$"
    ),
]
HttpUrl = Annotated[
    str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[^\s?#]*)?$")
]
#: A secret is never written into a spec, only where it can be read when it is needed.
SecretRef = Annotated[str, StringConstraints(pattern=r"^(env:[A-Z][A-Z0-9_]*|file:/[^\s]+)$")]


def _size(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever the YAML held
    if isinstance(value, str) and not re.fullmatch(r"[0-9]+(\.[0-9]+)? ?[KMGTP]i?B", value):
        raise PydanticCustomError("size", "is not a size; write a number and a unit, as in `4 TiB`")
    if not isinstance(value, str):
        raise PydanticCustomError("size", "needs its unit; write it as in `4 TiB`")
    return value


#: Bytes; read from text with a unit (`4 TiB`, `500 GB`).
Size = Annotated[
    ByteSize,
    BeforeValidator(_size),
    WithJsonSchema(
        {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?[KMGTP]i?B$", "examples": ["4 TiB"]}
    ),
]


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise PydanticCustomError(
            "address", "is not an IP address; write it as in `10.20.0.12`"
        ) from None


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise PydanticCustomError(
            "network", "is not a network without host bits; write it as in `10.30.0.0/24`"
        ) from None


_HOST_NAME = re.compile(r"^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$")


def _destination(value: str) -> str:
    if _HOST_NAME.match(value):
        return value
    try:
        network = ipaddress.ip_network(value)
    except ValueError:
        raise PydanticCustomError(
            "destination", "is no host name, address or network; name one, wildcards are refused"
        ) from None
    return str(network.network_address if network.num_addresses == 1 else network)


Address = Annotated[str, AfterValidator(_address)]
#: An address, or `local` for the computer that Cairn itself runs on.
AddressOrLocal = Annotated[
    str, AfterValidator(lambda value: value if value == "local" else _address(value))
]
Network = Annotated[str, AfterValidator(_network)]
#: A fully qualified host name, an address, or a network in CIDR notation.
Destination = Annotated[str, AfterValidator(_destination)]
