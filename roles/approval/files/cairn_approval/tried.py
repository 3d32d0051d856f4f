"""Runs in a cell in place of an app and tries what an app must not be able to do."""

from __future__ import annotations

import json
import socket
from pathlib import Path


def network() -> tuple[bool, str]:
    """Whether a connection to the host's own loopback is refused, and the cell has no other way."""
    try:
        socket.create_connection(("127.0.0.1", 9094), 2).close()
    except PermissionError:
        return True, "a socket of the network is refused in the cell"
    except OSError as error:
        return False, f"a socket can be made in the cell ({error.strerror})"
    return False, "the loopback of the host is reached from the cell"


def files() -> tuple[bool, str]:
    """Whether nothing is seen but the data set of the approval."""
    seen = sorted(one.name for one in Path("/data").iterdir())
    places = ("/etc/cairn", "/etc/shadow", "/var/lib", "/srv", "/proc/1", "/run", "/home")
    found = [path for path in places if Path(path).exists()]
    if seen != ["proof"] or found:
        return False, f"the cell shows {', '.join([*seen, *found])}"
    return True, "the cell shows the data set of the approval, and no other, no key, no process"


def writing() -> tuple[bool, str]:
    """Whether nothing can be written but scratch."""
    for place in ("/data/proof/x", "/usr/x", "/x", "/input/x", "/dev/x"):
        try:
            Path(place).write_bytes(b"x")
        except OSError:
            continue
        return False, f"{place} can be written in the cell"
    Path("/scratch/x").write_bytes(b"x")
    return True, "nothing can be written in the cell but scratch, which lies in memory"


if __name__ == "__main__":
    print(json.dumps({"network": network(), "files": files(), "writing": writing()}))  # noqa: T201
