"""The disk under the data volume: opened and mounted before anything writes to its folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from cairn.plan.model import PlannedFile, PlannedRole, Service

if TYPE_CHECKING:
    from cairn.plan.context import Context
    from cairn.spec.imaging import Storage

ROLE: Final = "volume"
#: The name of the opened disk under /dev/mapper, and the label of the one that was formatted.
NAME: Final = "cairn-volume"
UNITS: Final = "/etc/systemd/system"
#: Debian packages by what they are for; the second is on Debian 12 part of systemd itself.
PLAIN: Final = ("e2fsprogs", "util-linux")
LUKS: Final = {
    "debian-13": ("cryptsetup", "systemd-cryptsetup", "tpm2-tools"),
    "debian-12": ("cryptsetup", "libtss2-esys-3.0.2-0", "libtss2-rc0", "tpm2-tools"),
}
#: Where a key comes from without a person.
OPENED_AT_BOOT: Final = ("file", "tpm2")
REHEARSED: Final = "the disk of the data volume: a sandbox host has a folder of this computer"


def plan(context: Context) -> PlannedRole | None:
    """Plan the disk of one host; None where the spec names no device."""
    storage = context.spec.storage
    if storage is None or storage.device is None:
        return None
    if context.place.gateway:
        return PlannedRole(ROLE, {"volume_device": ""}, without=(REHEARSED,))
    unit, encryption = mount_unit(storage.path), storage.encryption
    packages = tuple(sorted((*PLAIN, *(LUKS[context.host.os] if encryption else ()))))
    return PlannedRole(
        name=ROLE,
        variables={**_variables(context, storage), "volume_packages": list(packages)},
        settings={
            "path": storage.path,
            "source": f"/dev/mapper/{NAME}" if encryption else storage.device,
            "opened_at_boot": encryption is not None and encryption.key_from in OPENED_AT_BOOT,
        },
        files=(PlannedFile(f"{UNITS}/{unit}", f"{ROLE}{UNITS}/volume.mount.j2"),),
        packages=packages,
        services=(Service(unit),),
    )


def mount_unit(path: str) -> str:
    """Return the name of the unit that mounts at a path (systemd.unit(5), string escaping)."""
    escaped = re.sub(r"[^A-Za-z0-9:_./]", lambda found: rf"\x{ord(found[0]):02x}", path.strip("/"))
    return f"{escaped.replace('/', '-')}.mount"


def _variables(context: Context, storage: Storage) -> dict[str, Any]:
    encryption = storage.encryption
    return {
        "volume_device": storage.device,
        "volume_path": storage.path,
        "volume_unit": mount_unit(storage.path),
        "volume_key_from": encryption.key_from if encryption else "",
        "volume_key_file": (encryption.key_file or "") if encryption else "",
        "volume_own_kernel": "kernel" in context.host.capabilities,
    }
