"""What makes a host out of a base image: names, network, keys, operator, trust anchors.

Written once, before the first boot. A root that has lived is never written to from the computer:
its symbolic links are the host's own.
"""

from __future__ import annotations

import ipaddress
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cairn.errors import SandboxError
from cairn.sandbox import commands, keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cairn.sandbox.reservations import Reservation

#: Account that administers a sandbox host: key only, sudo without password.
OPERATOR: Final = "cairn"
#: Certificates that the computer trusts beyond Debian's own, passed on to its hosts.
TRUST_ANCHORS: Final = Path("/usr/local/share/ca-certificates")

_RESOLVER_FILES = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


def furnish(root: Path, host: str, reservation: Reservation, operator: Path) -> str:
    """Write a new host's own files into its mounted root.

    Args:
        root: The host's root, mounted, never booted.
        host: Host name.
        reservation: The host's address and gateway.
        operator: Private key whose public half opens the operator's account.

    Returns:
        The public SSH host key to pin, `ssh-ed25519 AAAA...`.
    """
    _write(root / "etc/hostname", f"{host}\n")
    _write(root / "etc/hosts", _hosts_file(host))
    _write(root / "etc/machine-id", f"{uuid.uuid4().hex}\n", mode=0o444)
    _write(root / "etc/resolv.conf", "\n".join(resolver_lines()) + "\n")
    # Must sort before systemd's own 80-container-host0.network, which would win silently.
    _write(root / "etc/systemd/network/10-host0.network", network_file(reservation))
    _write(root / "etc/apt/apt.conf.d/00cairn-package-cache", _apt_file(reservation))
    _make_operator(root, keys.public(operator))
    _pass_trust_anchors_on(root)
    return keys.public(keys.make(root / "etc/ssh/ssh_host_ed25519_key", comment=f"root@{host}"))


def network_file(reservation: Reservation) -> str:
    """Return the systemd.network(5) file of a host's only interface."""
    return f"""\
[Match]
Name=host0

[Link]
MTUBytes={_smallest_mtu()}

[Network]
Address={reservation.address}/{reservation.network.prefixlen}
Gateway={reservation.gateway}
LinkLocalAddressing=no
IPv6AcceptRA=no
"""


def nameservers(lines: Iterable[str]) -> list[str]:
    """Return the IPv4 nameservers of resolv.conf(5) that another machine can use as well."""
    words = [line.split() for line in lines]
    given = [word[1] for word in words if len(word) > 1 and word[0] == "nameserver"]
    return [name for name in given if _is_shared_ipv4(name)]


def resolver_lines() -> list[str]:
    """Return the computer's resolv.conf without resolvers that only the computer can reach.

    A computer that asks its own stub resolver keeps the real ones in systemd-resolved's file.
    """
    for file in _RESOLVER_FILES:
        lines = file.read_text(errors="replace").splitlines() if file.is_file() else []
        usable = nameservers(lines)
        if usable:
            rest = [line for line in lines if line.split()[:1] in (["search"], ["options"])]
            return [*rest, *(f"nameserver {address}" for address in usable)]
    return ["# this computer has no resolver that another machine could ask"]


def _is_shared_ipv4(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.version == 4 and not address.is_loopback  # noqa: PLR2004 - IP version 4


def _hosts_file(host: str) -> str:
    return f"127.0.0.1 localhost\n127.0.1.1 {host}\n::1 localhost ip6-localhost ip6-loopback\n"


def _apt_file(reservation: Reservation) -> str:
    return f'Acquire::http::Proxy "{reservation.package_cache}";\nAcquire::https::Proxy "DIRECT";\n'


def _make_operator(root: Path, public_key: str) -> None:
    # `*` closes the password for good and, unlike `!`, is not a locked account to sshd.
    argv = ["useradd", "--create-home", "--shell", "/bin/bash", "--password", "*", OPERATOR]
    _inside(root, argv, why="make the operator's account")
    home = root / "home" / OPERATOR
    _write(home / ".ssh/authorized_keys", f"{public_key} cairn-sandbox\n", mode=0o600)
    owner = f"{OPERATOR}:{OPERATOR}"
    _inside(root, ["chown", "-R", owner, f"/home/{OPERATOR}/.ssh"], why="give the key away")
    (home / ".ssh").chmod(0o700)
    grant = f"{OPERATOR} ALL=(ALL:ALL) NOPASSWD: ALL\n"
    _write(root / "etc/sudoers.d/cairn-operator", grant, mode=0o440)


def _pass_trust_anchors_on(root: Path) -> None:
    anchors = sorted(TRUST_ANCHORS.glob("**/*.crt"))
    if not anchors:
        return
    for anchor in anchors:
        name = f"computer-{anchor.relative_to(TRUST_ANCHORS).as_posix().replace('/', '-')}"
        _write(root / "usr/local/share/ca-certificates" / name, anchor.read_text())
    _inside(root, ["update-ca-certificates"], why="pass the computer's trust anchors on")


def _inside(root: Path, argv: list[str], *, why: str) -> None:
    commands.run(["chroot", root, *argv], why=why, timeout=120)


def _write(file: Path, content: str, *, mode: int = 0o644) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(content, encoding="utf-8")
        file.chmod(mode)
    except OSError as error:
        raise SandboxError(f"cannot write {file}: {error.strerror}; is the disk full?") from error


def _smallest_mtu() -> int:
    """Return what every way out of the computer carries, in bytes; tunnels often carry less."""
    devices = [line.split()[0] for line in Path("/proc/net/route").read_text().splitlines()[1:]]
    sizes = [int(Path(f"/sys/class/net/{name}/mtu").read_text()) for name in set(devices)]
    return min([1500, *sizes])
