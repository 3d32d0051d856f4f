"""One cache of Debian packages for all sandbox hosts, so that each is downloaded once.

apt-cacher-ng, unpacked into Cairn's cache and not installed on the computer, so that no service of
the system's own starts. It runs without privileges in its own root, listens on the bridge only, and
passes on nothing but the Debian mirrors and the declared ways out: it is no way around the packet
filter. It starts with the first host of a checkout and ends with the last one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import time
from typing import IO, TYPE_CHECKING, Final

from cairn import house
from cairn.errors import SandboxError
from cairn.sandbox import control_group, image, machine, places, processes
from cairn.sandbox.processes import Process
from cairn.sandbox.reservations import PACKAGE_CACHE_PORT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from cairn.sandbox.records import HostRecord
    from cairn.sandbox.reservations import Reservation

#: User and group that the cache runs as: nobody, who owns nothing else of the sandbox.
_NOBODY: Final = 65534

#: How many checkouts of a user can have running hosts at once.
_MOST_STORES: Final = 64
#: Destinations that are not one server.
_NOT_ONE: Final = {"anywhere", "resolvers"}

_UNPACK: Final = """\
set -eu
for name in bin lib lib64 sbin; do ln -s "usr/$name" "$1/$name"; done
mkdir -p "$1/proc" "$1/run" "$1/var/cache/apt-cacher-ng" "$1/var/log/apt-cacher-ng"
touch "$1/etc/hosts" "$1/etc/resolv.conf"
"""

_RUN: Final = """\
set -eu
mount --bind "$2" "$1/var/cache/apt-cacher-ng"
mount --bind "$3" "$1/var/log/apt-cacher-ng"
mount --bind "$4" "$1/etc/apt-cacher-ng"
mount --bind /etc/resolv.conf "$1/etc/resolv.conf"
mount --bind /etc/hosts "$1/etc/hosts"
exec setpriv --no-new-privs chroot --userspec=65534:65534 --groups= "$1" \\
    /usr/sbin/apt-cacher-ng -c /etc/apt-cacher-ng
"""

_RECIPE: Final = image.Recipe(
    name="package cache",
    takes="10 to 30 seconds",
    release="trixie",
    variant="extract",
    packages=("apt-cacher-ng",),
    customize=_UNPACK,
)

_CONFIGURATION: Final = """\
CacheDir: /var/cache/apt-cacher-ng
LogDir: /var/log/apt-cacher-ng
SupportDir: /usr/lib/apt-cacher-ng
SocketPath: /var/log/apt-cacher-ng/socket
BindAddress: {address}
Port: {port}
ForeGround: 1
# Only what is listed below is passed on; CONNECT is refused.
ForceManaged: 1
ForwardBtsSoap: 0
PassThroughPattern: ^nothing$
AllowUserPorts: 0
"""


def program(progress: Callable[[str], None]) -> Path:
    """Return the unpacked program, fetched now if the cache lacks it.

    Raises:
        SandboxError: It could not be fetched.
    """
    return image.ensure(_RECIPE, progress)


def serve(
    reservation: Reservation,
    hosts: Sequence[HostRecord],
    progress: Callable[[str], None],
) -> None:
    """Make the cache listen for this checkout's hosts; restarted only when its sources changed.

    Raises:
        SandboxError: It does not come up; quotes the end of its log.
    """
    wanted = render(reservation.gateway, upstreams(hosts), _proxy())
    if _is_alive() and _configuration().read_text(encoding="utf-8") == wanted:
        return
    close()
    _write_configuration(wanted)
    with _store() as (store, lock):
        process = processes.launch(_command(store), _output(), keep_open=[lock.fileno()])
    places.write_json(_here() / "process.json", {"pid": process.pid, "born": process.born})
    _wait(process, reservation)
    progress(f"package cache listens at {reservation.package_cache}, packages in {store}")


def close() -> None:
    """End this checkout's package cache; the packages stay for the next time."""
    process = _process()
    if process is not None:
        processes.end(process, patience=10)
    control_group.leave(_group())
    machine.erase(_here())


def upstreams(hosts: Sequence[HostRecord]) -> list[str]:
    """Return the addresses the cache may ask: the computer's mirrors and the declared ways out."""
    mirrors = {line.split()[1] for line in image.sources("trixie") if " http://" in line}
    ways = [way for record in hosts for way in record.egress if way["protocol"] == "tcp"]
    plain = {
        f"http://{way['to']}" + ("" if way["port"] == 80 else f":{way['port']}")  # noqa: PLR2004
        for way in ways
        if way["port"] != 443 and "/" not in way["to"] and way["to"] not in _NOT_ONE  # noqa: PLR2004
    }
    return sorted(mirrors) + sorted(plain)


def render(address: str, allowed: Iterable[str], proxy: str | None) -> str:
    """Return the configuration of apt-cacher-ng(8).

    Args:
        address: Address to listen on.
        allowed: Addresses that may be asked; a mirror's packages are kept under its own name.
        proxy: The computer's own HTTP proxy.
    """
    lines = [_CONFIGURATION.format(address=address, port=PACKAGE_CACHE_PORT)]
    for upstream in allowed:
        name = re.sub(r"[^a-z0-9]+", "-", upstream.removeprefix("http://").lower()).strip("-")
        lines.append(f"Remap-{name}: {upstream} ; {upstream}\n")
    if proxy:
        lines.append(f"Proxy: {proxy}\n")
    return "".join(lines)


def _proxy() -> str | None:
    value = os.environ.get("http_proxy") or os.environ.get("HTTP_PROXY")
    return value if value and value.startswith("http://") else None


def _here() -> Path:
    return places.sandbox() / "package-cache"


def _output() -> Path:
    return _here() / "output.log"


def _configuration() -> Path:
    return _here() / "configuration" / "acng.conf"


def _group() -> str:
    return f"cairn-{places.label()}-package-cache"


def _process() -> Process | None:
    known = places.read_json(_here() / "process.json")
    return Process(**known) if known else None


def _is_alive() -> bool:
    process = _process()
    return process is not None and process.lives()


def _write_configuration(content: str) -> None:
    for folder in (_configuration().parent, _here() / "log"):
        folder.mkdir(parents=True, exist_ok=True)
    os.chown(_here() / "log", _NOBODY, _NOBODY)
    file = _configuration()
    file.touch(mode=0o600)
    # A proxy's address may hold a password: the cache reads it, nobody's other files do not matter.
    os.chown(file, _NOBODY, _NOBODY)
    file.write_text(content, encoding="utf-8")


@contextlib.contextmanager
def _store() -> Iterator[tuple[Path, IO[str]]]:
    """Yield the folder for packages and its open lock, which the cache inherits.

    Two caches must not write into one folder: each takes the first folder that none has, so that
    there are as many as checkouts once ran side by side, and a checkout alone has the fullest.
    """
    above = house.cache() / "apt"
    above.mkdir(parents=True, exist_ok=True)
    for name in ("shared", *(f"shared-{number}" for number in range(2, _MOST_STORES + 1))):
        with (above / f".{name}.lock").open("a") as lock:
            if _is_free(lock):
                (above / name).mkdir(exist_ok=True)
                os.chown(above / name, _NOBODY, _NOBODY)
                yield above / name, lock
                return
    raise SandboxError(f"{_MOST_STORES} sandboxes run at once; stop one that is not needed")


def _is_free(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _command(store: Path) -> list[str]:
    folders = [_RECIPE.place, store, _here() / "log", _configuration().parent]
    start = control_group.enter(_group())
    script = ["unshare", "--mount", "--propagation=private", "--", "sh", "-c", _RUN, "sh"]
    return [*start, *script, *map(str, folders)]


def _wait(process: Process, reservation: Reservation) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.lives():
        try:
            with socket.create_connection((reservation.gateway, PACKAGE_CACHE_PORT), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise SandboxError(f"the package cache did not start: {processes.last_words(_output())}")
