"""The account of this host.

python3 -m cairn_account record takes one event from standard input, which is the connection that
systemd accepted, and answers it. `show` prints all lines; `verify` prints how many follow one
another and the last digest; `drop` deletes the months that are older than the spec lets be.
"""

from __future__ import annotations

import json
import pwd
import socket
import struct
import sys
from pathlib import Path
from typing import Any, Final

from cairn_account import chain, events
from cairn_account.refusal import Refused

FOLDER: Final = Path("/var/lib/cairn-account")
SETTINGS: Final = Path("/etc/cairn/account.json")
#: Bytes of the longest event, and seconds that a writer may take.
LONGEST: Final = 16384
PATIENCE: Final = 5


def record(link: socket.socket, folder: Path = FOLDER) -> None:
    """Take one event from a connection, and answer with the digest of its line."""
    link.settimeout(PATIENCE)
    try:
        told = chain.append(folder, _event(link), now=chain.now())
        answer: dict[str, Any] = {"digest": chain.digest(chain.written(told))}
    except Refused as refusal:
        answer = {"refused": str(refusal)}
    link.sendall(json.dumps(answer).encode() + b"\n")


def _event(link: socket.socket) -> Any:  # noqa: ANN401 - any JSON
    data = b""
    while not data.endswith(b"\n") and len(data) <= LONGEST:
        piece = link.recv(LONGEST)
        if not piece:
            break
        data += piece
    try:
        event = json.loads(data)
    except ValueError:
        raise Refused("an event is one line of JSON") from None
    # The kernel says who is at the other end, socket(7).
    peer = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return events.judged(event, user=_name(struct.unpack("3i", peer)[1]))


def _name(number: int) -> str:
    """Return the name of an account; its number if it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def show(folder: Path) -> None:
    """Print all lines, each held against the one before."""
    for line in chain.lines(folder):
        print(chain.written(line).decode())  # noqa: T201 - what the verb is for


def verify(folder: Path) -> None:
    """Print how many lines follow one another, and the digest of the last."""
    number, last = 0, chain.NOTHING
    for line in chain.lines(folder):
        number, last = number + 1, chain.digest(chain.written(line))
    print(json.dumps({"lines": number, "last": last}))  # noqa: T201 - what the verb is for


def drop(folder: Path) -> None:
    """Delete the months that are older than the spec lets logs be."""
    days = json.loads(SETTINGS.read_bytes())["at_most_days"]
    for name in chain.drop(folder, days, today=chain.now().date()):
        print(f"{name} is deleted: its last day is more than {days} days ago")  # noqa: T201


def main(verb: str) -> int:
    """Do what a verb says; return 0, or 1 with the reason."""
    try:
        if verb == "record":
            with socket.socket(fileno=0) as link:
                record(link)
        else:
            {"show": show, "verify": verify, "drop": drop}[verb](FOLDER)
    except Refused as refusal:
        print(refusal, file=sys.stderr)  # noqa: T201 - the reason
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
