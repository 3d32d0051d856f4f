"""The disks of a live host: whoever carries one away can read nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.verdicts import MANUAL, NOT_APPLICABLE, At, Severity

if TYPE_CHECKING:
    from cairn.checks.host import EvidenceHost
    from cairn.checks.verdicts import Findings

#: The layers under a folder, from the file system down to the disk (lsblk(8), column TYPE).
LAYERS = "findmnt -nvo SOURCE -T {path} | xargs -r lsblk -nso TYPE"
#: Each swap with its layers, and a last line, so that none is told from no answer.
SWAPS = (
    "swapon --show=NAME --noheadings | while read -r swap; do "
    'echo "$swap $(lsblk -nso TYPE "$swap" | xargs)"; done; echo "no more"'
)


def _encryption(host: EvidenceHost) -> str:
    """Return how the plan says that the data volume is encrypted; empty if it says nothing."""
    planned = {role.name: role for role in host.plan.roles}
    return str(planned["storage"].settings.get("encryption", "")) if "storage" in planned else ""


@check(
    id="HST-06",
    title="Data volume and swap lie on encrypted disks",
    severity=Severity.CRITICAL,
    supports=("GDPR 32(1)(a)", "BSI SYS.1.1.A34", "TEHDAS SDR-3", "ISO A.8.24"),
    remediation="Move the data onto a disk with LUKS2 (storage.device); `swapoff` what is not.",
    applies=("T2", "T3", "compute"),
)
def disks_are_really_encrypted(host: EvidenceHost) -> Findings:
    """A spec may say LUKS; what the images lie on is seen where they lie."""
    if "kernel" not in host.plan.capabilities:
        yield NOT_APPLICABLE, "the disks belong to the computer below this machine"
        return
    if not host.plan.volumes:
        yield NOT_APPLICABLE, "no data volume is planned on this host"
        return
    if _encryption(host) == "provider-kms":
        yield MANUAL, "look in the provider's console whether the disk is encrypted, with whose key"
        return
    asked = {f"volume_{number}": LAYERS.format(path=path)
             for number, path in enumerate(host.plan.volumes)}  # fmt: skip
    replies = host.ask(swaps=SWAPS, **asked)
    for name, path in zip(asked, host.plan.volumes, strict=True):
        layers = [line.strip() for line in replies[name].lines if line.strip()]
        told = " on ".join(layers) if layers else "nothing that lsblk knows"
        yield "crypt" in layers, At(host, path), f"lies on {told}"
    lines = [line for line in replies["swaps"].lines if line.strip()]
    yield lines[-1:] == ["no more"], At(host, "swapon"), f"{max(len(lines) - 1, 0)} swaps"
    for line in lines[:-1]:
        name, *kinds = line.split()
        safe = "crypt" in kinds or name.startswith("/dev/zram")
        yield safe, At(host, name), f"lies on {' on '.join(kinds) or 'nothing that lsblk knows'}"
