"""Tries on a host what the intake promises, for the checks of a live host; changes nothing there.

`phantom` de-identifies a made-up image with a mark in every attribute, with the settings in force
and a key of its own, and looks for the marks in what would leave. `doors` tries to get in. Both
print one line of JSON.
"""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cairn_intake import file_meta
from cairn_intake.deidentify import Deidentifier
from cairn_intake.profile import profile, table
from cairn_intake.pseudonyms import Pseudonyms
from cairn_intake.refusals import Refused
from cairn_intake.service import begin
from cairn_intake.settings import load
from cairn_intake.values import standard_vr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn_intake.settings import Settings

#: No word of any standard.
MARK: Final = b"XQZVMARK"
#: Representations that a mark can stand in.
_TEXTS: Final = frozenset({"LO", "SH", "ST", "LT", "UT", "UC", "PN", "AE", "CS", "OB", "UN"})
_LONG: Final = frozenset({"OB", "OW", "UN", "UT", "UC", "SQ", "UR"})
#: Retained by options, so no mark is put there.
_RETAINED: Final = frozenset({0x0010_0040, 0x0010_2160, 0x0010_21A0, 0x0010_21C0, 0x0010_2203})
_CT: Final = b"1.2.840.10008.5.1.4.1.1.2"
_EXPLICIT: Final = b"1.2.840.10008.1.2.1"
_REAL: Final = {
    0x0008_0016: _CT,
    0x0008_0018: b"1.2.3.4",
    0x0008_0060: b"CT",
    0x0010_0020: b"A-PATIENT",
    0x0020_000D: b"1.2.3",
    0x0020_000E: b"1.2.3.1",
    0x0028_0002: struct.pack("<H", 1),
    0x0028_0010: struct.pack("<H", 2),
    0x0028_0011: struct.pack("<H", 2),
    0x0028_0100: struct.pack("<H", 16),
}
#: Seconds that a door may take to answer.
_PATIENCE: Final = 10


def phantom(settings: Settings) -> dict[str, object]:
    """Return how many marks were planted, and how many would leave."""
    raw = _planted()
    deidentify = Deidentifier(
        profile(frozenset(settings.options), settings.private),
        Pseudonyms(secrets.token_bytes(32)),
        settings.blank,
    )
    try:
        clean = deidentify(memoryview(raw))
    except Refused as refused:
        return {"planted": raw.count(MARK), "refused": refused.reason}
    out = b"".join(bytes(part) for part in clean.parts)
    return {"planted": raw.count(MARK), "left": out.count(MARK), "bytes": len(out)}


def _planted() -> bytes:
    """Return the bytes of an image with a mark wherever text can stand."""
    elements = dict(_REAL)
    for name in table():
        tag = int(name.replace(",", "").replace("x", "0"), 16)
        if tag >> 16 >= 8 and standard_vr(tag) in _TEXTS and tag not in _RETAINED:  # noqa: PLR2004
            elements.setdefault(tag, MARK)
    body = [_element(tag, standard_vr(tag), value) for tag, value in elements.items()]
    nested = _element(0x0010_0010, "PN", MARK) + _element(0x0040_A160, "UT", MARK)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(nested)) + nested
    body += [
        _element(0x0008_0006, "LO", MARK),  # no attribute of the standard
        _element(0x0009_0010, "LO", MARK),
        _element(0x0009_1001, "LO", MARK),
        _element(0x0040_0275, "SQ", item),
    ]
    # Tags stand first in an element, little endian; sorted by number they are in the file's order.
    ordered = sorted(body, key=lambda one: struct.unpack("<HH", one[:4]))
    pixels = _element(0x7FE0_0010, "OW", bytes(8))
    return file_meta.head(_CT, b"1.2.3.4", _EXPLICIT) + b"".join(ordered) + pixels


def _element(tag: int, vr: str, value: bytes) -> bytes:
    if len(value) % 2:
        value += b"\0" if vr == "UI" else b" "
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    length = struct.pack("<HI", 0, len(value)) if vr in _LONG else struct.pack("<H", len(value))
    return head + length + value


def doors(settings: Settings) -> dict[str, str]:
    """Return what each stranger got: an answer in a word or two."""
    tried = {}
    if settings.port:
        tried["without a certificate"] = _answer(settings, settings.port, tls=True)
        tried["old TLS"] = _answer(settings, settings.port, tls=True, old=True)
        tried["without TLS"] = _answer(settings, settings.port, tls=False)
    if settings.plain_port:
        tried["unlisted title"] = _answer(settings, settings.plain_port, tls=False)
    else:
        tried["plain port"] = _answer(settings, 11113, tls=False)
    return tried


def _answer(settings: Settings, port: int, *, tls: bool, old: bool = False) -> str:
    """Ask for an association as a stranger and return what came back."""
    try:
        with socket.create_connection(("127.0.0.1", port), _PATIENCE) as plain:
            connection = _context(old=old).wrap_socket(plain) if tls else plain
            connection.sendall(_request(settings.aet))
            kind = connection.recv(10)[:1]
    except ConnectionRefusedError:
        return "closed"
    except ssl.SSLError as error:
        return f"refused by TLS: {error.reason}"
    except OSError as error:
        return f"cut off: {type(error).__name__}"
    return {b"\3": "rejected", b"\2": "ACCEPTED", b"\7": "aborted", b"": "cut off"}.get(kind, "odd")


def _context(*, old: bool) -> ssl.SSLContext:
    """Return a client side of TLS that trusts everybody: what is tried is the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if old:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def _request(called: str) -> bytes:
    """Return an A-ASSOCIATE-RQ for verification by somebody who is not listed (PS3.8 9.3.2)."""
    items = b"".join(_items())
    body = struct.pack(">HH16s16s32s", 1, 0, called.encode().ljust(16), b"NOBODY".ljust(16), b"")
    return struct.pack(">BBI", 1, 0, len(body + items)) + body + items


def _items() -> Iterator[bytes]:
    def item(kind: int, value: bytes) -> bytes:
        return struct.pack(">BBH", kind, 0, len(value)) + value

    syntax = item(0x30, b"1.2.840.10008.1.1") + item(0x40, b"1.2.840.10008.1.2")
    yield item(0x10, b"1.2.840.10008.3.1.1.1")
    yield item(0x20, b"\1\0\0\0" + syntax)
    yield item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, file_meta.IMPLEMENTATION))


def main() -> None:
    """Try one of the two and print the answer."""
    begin()
    tries: dict[str, Any] = {"phantom": phantom, "doors": doors}
    print(json.dumps(tries[sys.argv[1]](load(Path(sys.argv[2])))))  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
