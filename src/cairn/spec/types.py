"""The scalar types of a spec: names, addresses, sizes, days, references to secrets."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from datetime import date
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

#: What a value that does not match a pattern should be, in words: pattern to sentence.
MEANINGS: dict[str, str] = {}


def shape(pattern: str, meaning: str) -> StringConstraints:
    """Constrain text to a pattern, and remember what to tell somebody whose value does not match.

    Args:
        pattern: Regular expression, anchored.
        meaning: What is wrong; after a semicolon, what to write.
    """
    MEANINGS[pattern] = meaning
    return StringConstraints(pattern=pattern)


#: RFC 1123 host name label, shortened so that a node and a host fit into one machine name.
Name = Annotated[
    str,
    shape(
        r"^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$",
        "is no name; use lower-case letters, digits and hyphens, at most 32, beginning with a "
        "letter and not ending with a hyphen",
    ),
]
#: A name that is also one of an S3 bucket, which has at least three characters.
BucketName = Annotated[
    str,
    shape(
        r"^[a-z][a-z0-9-]{1,30}[a-z0-9]$",
        "is no name of a bucket; use lower-case letters, digits and hyphens, 3 to 32, beginning "
        "with a letter and not ending with a hyphen",
    ),
]
#: A Debian login name (adduser's NAME_REGEX), at most 32 characters (useradd(8)).
Login = Annotated[
    str,
    shape(
        r"^[a-z][a-z0-9_-]{0,31}$",
        "is no login name; use lower-case letters, digits, `_` and `-`, at most 32, beginning "
        "with a letter",
    ),
]
Sentence = Annotated[str, StringConstraints(min_length=3, max_length=400, strip_whitespace=True)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
Email = Annotated[
    str,
    shape(
        r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+$",
        "is no e-mail address; write it as in `imaging-it@hospital.example`, the part behind the "
        "`@` in lower case",
    ),
]
#: An Ed25519 signature (RFC 8032), 64 bytes in base64.
Signature = Annotated[
    str,
    shape(
        r"^ed25519:[A-Za-z0-9+/]{86}==$",
        "is no signature; write the whole line that `cairn waiver sign` prints",
    ),
]
#: An Ed25519 public key (RFC 8032), 32 bytes in base64.
VerifyKey = Annotated[
    str,
    shape(
        r"^ed25519:[A-Za-z0-9+/]{43}=$",
        "is no public key of a hub; write `ed25519:` and 32 bytes in base64",
    ),
]
Phone = Annotated[
    str,
    shape(
        r"^\+[0-9 ]{6,20}$",
        "is no international phone number; write it in quotes as in `+34 900 000 000`",
    ),
]
#: DICOM PS3.5 section 7.8: the groups of private attributes are odd.
PrivateGroup = Annotated[
    str,
    shape(
        r"^[0-9a-fA-F]{3}[13579bdfBDF]$",
        "is no group of private attributes; write four hexadecimal digits in quotes, the last odd",
    ),
]
PrivateElement = Annotated[
    str,
    shape(
        r"^[0-9a-fA-F]{2}$",
        "is no element of a private block; write its last two hexadecimal digits in quotes",
    ),
]
Rectangle = Annotated[
    str,
    shape(
        r"^[0-9]{1,5},[0-9]{1,5} [0-9]{1,5}x[0-9]{1,5}$",
        "is no rectangle; write left, top, width and height in pixels as in `0,0 800x60`",
    ),
]
#: DICOM PS3.5 table 6.2-1, VR AE: 1-16 characters, no backslash, no control characters;
#: spaces inside are allowed by the standard and refused here because modalities trip over them.
AeTitle = Annotated[
    str,
    shape(
        r"^[!-\[\]-~]{1,16}$",
        "is no application entity title; use 1 to 16 characters without spaces or backslashes",
    ),
]
Port = Annotated[StrictInt, Field(ge=1, le=65535)]
AbsolutePath = Annotated[
    str,
    shape(
        r"^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$",
        "is no absolute path; write it as in `/srv/imaging`, without spaces, `..` or a `/` at "
        "the end",
    ),
]
#: ISO 3166-1 alpha-2.
Country = Annotated[
    str,
    shape(
        r"^[A-Z]{2}$",
        "is no country code; use the two capital letters of ISO 3166-1, as in `ES` or `NO`",
    ),
]
HttpUrl = Annotated[
    str,
    shape(
        r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[^\s?#@]*)?$",
        "is no web address; write it as in `https://mirror.hospital.example/debian`, without "
        "login, `?` or `#`",
    ),
]
#: The forwarder of the agent, enrolment and lending speak plain HTTP to the proxy.
ProxyUrl = Annotated[
    str,
    shape(
        r"^http://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?$",
        "is no address of an HTTP proxy; write it as in `http://proxy.hospital.example:3128`: with "
        "`http://`, whatever it is asked for, and without login or path",
    ),
]
#: A secret is never written into a spec, only where it can be read when it is needed.
SecretRef = Annotated[
    str,
    shape(
        r"^(env:[A-Z][A-Z0-9_]*|file:/[^\s]+)$",
        "is no reference to a secret; write `env:NAME` or `file:/absolute/path`",
    ),
]
KeyFile = Annotated[
    str,
    shape(r"^file:/[^\s]+$", "is no reference to a key file; write `file:/absolute/path`"),
]
CheckId = Annotated[
    str,
    shape(r"^[A-Z]{2,5}-[0-9]{2,3}$", "is no id of a check; write it as in `STO-02`"),
]
Fingerprint = Annotated[
    str,
    shape(
        r"^sha256:[0-9a-f]{64}$",
        "is no fingerprint; write `sha256:` and the 64 digits that `sha256sum` prints",
    ),
]
#: Files beside a spec are named relative to it, so that both can be moved together.
FEDERATION_PATH = r"^[A-Za-z0-9_.-][A-Za-z0-9._/-]*\.json$"
FederationPath = Annotated[
    str,
    shape(
        FEDERATION_PATH,
        "is no path of a federation file; write it relative to the spec, ending in `.json`",
    ),
]
CERTIFICATE_PATH = r"^[A-Za-z0-9_.-][A-Za-z0-9._/-]*\.(crt|pem)$"
CertificatePath = Annotated[
    str,
    shape(
        CERTIFICATE_PATH,
        "is no path of a certificate; write it relative to the spec, ending in `.pem` or `.crt`",
    ),
]
DriverVersion = Annotated[
    str,
    shape(
        r"^[0-9]+(\.[0-9]+){1,2}$",
        "is no version of a driver; write it in quotes as in `570.86`",
    ),
]


PACKAGE_KEY_PATH = r"^[A-Za-z0-9_.-][A-Za-z0-9._/-]*\.asc$"
PackageKeyPath = Annotated[
    str,
    shape(
        PACKAGE_KEY_PATH,
        "is no path of a key of a package archive; write it relative to the spec, ending in `.asc`",
    ),
]


def _public_key(value: str) -> str:
    parts = value.split(" ", 2)
    try:
        blob = base64.b64decode(parts[1], validate=True)
    except (IndexError, binascii.Error):
        blob = b""
    # RFC 4253 section 6.6: the blob begins with the length and the text of its own algorithm.
    named = parts[0].encode()
    if not blob.startswith(len(named).to_bytes(4, "big") + named) or len(blob) < len(named) + 36:
        raise PydanticCustomError(
            "public_key", "is no complete public key; copy the whole line of the `.pub` file"
        )
    return value


PublicKey = Annotated[
    str,
    shape(
        r"^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa|sk-ssh-ed25519@openssh\.com) "
        r"[A-Za-z0-9+/]+={0,2}( [^\r\n]*)?$",
        "is no public SSH key of a kind in use; copy the whole line of the `.pub` file",
    ),
    AfterValidator(_public_key),
]

_SIZE = r"^[0-9]{1,6}(\.[0-9]{1,3})? ?[KMGTP]i?B$"


def _size(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever the YAML held
    if not isinstance(value, str):
        raise PydanticCustomError("size", "needs its unit; write it as in `4 TiB`")
    if re.fullmatch(_SIZE, value) is None or float(re.split(r"[ KMGTP]", value)[0]) == 0:
        raise PydanticCustomError("size", "is no size; write a number and a unit, as in `4 TiB`")
    return value


#: Bytes; read from text with a unit (`4 TiB`, `500 GB`).
Size = Annotated[
    ByteSize,
    BeforeValidator(_size),
    WithJsonSchema({"type": "string", "pattern": _SIZE, "examples": ["4 TiB", "500 GB"]}),
]


def _day(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever the YAML held
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value, re.ASCII):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise PydanticCustomError(
                "day", "is no day of the calendar; check year, month and day"
            ) from None
    raise PydanticCustomError("day", "is no day; write it as in `2027-03-31`")


#: A calendar day, ISO 8601; never a number or a time.
Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema(
        {"type": "string", "format": "date", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
    ),
]


def _address(value: str) -> str:
    try:
        if "%" in value:  # an IPv6 zone means something on one machine only
            raise ValueError  # noqa: TRY301 - refused like any other text that is no address
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise PydanticCustomError(
            "address", "is no IP address; write it as in `10.20.0.12`"
        ) from None


def _address_or_local(value: str) -> str:
    if value == "local":
        return value
    try:
        return _address(value)
    except PydanticCustomError:
        raise PydanticCustomError(
            "address", "is no IP address; write it as in `10.20.0.12`, or `local` for this computer"
        ) from None


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise PydanticCustomError(
            "network",
            "is no network; write it as in `10.30.0.0/24`, with zeros behind the prefix",
        ) from None


_HOST_NAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


def _destination(value: str) -> str:
    if _HOST_NAME.fullmatch(value):
        return value
    try:
        network = ipaddress.ip_network(value)
    except ValueError:
        raise PydanticCustomError(
            "destination",
            "is no host name, address or network; name one in full and in lower case, without "
            "wildcards",
        ) from None
    return str(network.network_address if network.num_addresses == 1 else network)


def _host_name(value: str) -> str:
    if _HOST_NAME.fullmatch(value):
        return value
    raise PydanticCustomError(
        "destination", "is no host name; write it in full and in lower case, as in `hub.example`"
    )


HostName = Annotated[str, AfterValidator(_host_name)]
Address = Annotated[str, AfterValidator(_address)]
#: An address, or `local` for the computer that Cairn itself runs on.
AddressOrLocal = Annotated[str, AfterValidator(_address_or_local)]
Network = Annotated[str, AfterValidator(_network)]
#: A fully qualified host name, an address, or a network in CIDR notation.
Destination = Annotated[str, AfterValidator(_destination)]
