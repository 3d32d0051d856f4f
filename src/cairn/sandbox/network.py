"""The sandbox's bridge on the computer, and the computer's readiness to forward packets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from cairn import house
from cairn.errors import SandboxError
from cairn.sandbox import commands, places, reservations

if TYPE_CHECKING:
    from cairn.sandbox.reservations import Reservation

_FORWARDING: Final = Path("/proc/sys/net/ipv4/ip_forward")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def connect(reservation: Reservation) -> None:
    """Make this checkout's bridge with the gateway's address; nothing to do if it stands.

    Raises:
        SandboxError: The network is somebody else's by now.
    """
    name = places.bridge()
    why = f"make the sandbox's bridge {name}"
    with places.locked(places.SANDBOXES / ".lock"):
        if not exists(name):
            reservations.confirm(reservation)
            commands.run(["ip", "link", "add", "name", name, "type", "bridge"], why=why)
        alias = f"Cairn sandbox of {house.root()}"[:250]
        commands.run(["ip", "link", "set", "dev", name, "alias", alias], why=why)
        # Hosts have IPv4 only; without this the bridge itself would listen on a link-local address.
        _write_setting(Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6"), "1")
        address = f"{reservation.gateway}/{reservation.network.prefixlen}"
        commands.run(["ip", "address", "replace", address, "dev", name], why=why)
        commands.run(["ip", "link", "set", "dev", name, "up"], why=why)
        _forward()


def disconnect() -> None:
    """Remove this checkout's bridge; stop forwarding when no sandbox of the computer needs it."""
    with places.locked(places.SANDBOXES / ".lock"):
        cut(places.bridge())
        if not any(Path("/sys/class/net").glob("cairn-*")):
            _forward_as_before()


def cut(link: str) -> None:
    """Remove a network link if it exists."""
    if exists(link):
        commands.run(["ip", "link", "delete", "dev", link], why=f"remove the link {link}")


def exists(link: str) -> bool:
    """Tell whether the computer has a network link of this name."""
    return Path("/sys/class/net", link).exists()


def _remembered() -> Path:
    return places.SANDBOXES / "ip_forward.json"


def _forward() -> None:
    """Let the computer forward packets, and remember what it did before.

    What was remembered before the computer's last boot counts for nothing: boot set it anew.
    """
    boot, value = _BOOT_ID.read_text().strip(), _FORWARDING.read_text().strip()
    if places.read_json(_remembered()).get("boot") != boot:
        places.write_json(_remembered(), {"boot": boot, "value": value})
    _write_setting(_FORWARDING, "1")


def _forward_as_before() -> None:
    before = places.read_json(_remembered())
    if before.get("boot") == _BOOT_ID.read_text().strip():
        _write_setting(_FORWARDING, before["value"])
    _remembered().unlink(missing_ok=True)


def _write_setting(file: Path, value: str) -> None:
    try:
        if file.exists() and file.read_text().strip() != value:
            file.write_text(value)
    except OSError as error:
        raise SandboxError(f"cannot set {file} to {value}: {error.strerror}") from error
