"""Where data are kept: encrypted, apart from what is computed, and twice."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cairn.checks.registry import check
from cairn.checks.subjects import is_rehearsal, taking_part
from cairn.checks.verdicts import NOT_APPLICABLE, At, Severity

if TYPE_CHECKING:
    from cairn.checks.parameters import Parameters
    from cairn.checks.verdicts import Findings
    from cairn.spec.document import Document

#: Where the key of each method may come from; never from a file on the same disk.
KEYS = {"luks2": {"tpm2", "tang", "file", "prompt"}, "provider-kms": {"kms"}}


@check(
    id="STO-01",
    title="Computations write outside the data sets",
    severity=Severity.CRITICAL,
    supports=("EUCAIM-HB 7.4(5)", "EHDS 73(1)(b) 73(1)(c)", "ISO A.8.3"),
    remediation="Set storage.scratch (compute.scratch) to a folder beside storage.path.",
    waivable=False,
    applies=("T3", "compute"),
)
def scratch_is_apart(document: Document) -> Findings:
    """Code from outside may read the data it was granted and change none of them.

    Only a folder that is no part of the data can be given to it for writing.
    """
    spec = taking_part(document)
    place = "compute.scratch" if spec.kind == "compute" else "storage.scratch"
    declared = spec.compute if spec.kind == "compute" else spec.storage
    scratch = declared.scratch if declared else None
    if spec.storage is None or scratch is None:
        missing = "storage" if spec.storage is None else place
        yield False, At(spec, missing), f"no {missing} is declared"
        return
    data, work = PurePosixPath(spec.storage.path), PurePosixPath(scratch)
    apart = not (work.is_relative_to(data) or data.is_relative_to(work))
    yield apart, At(spec, place), f"{work} is {'apart from' if apart else 'one with'} {data}"


@check(
    id="STO-02",
    title="Every disk that can hold patient data is encrypted",
    severity=Severity.CRITICAL,
    supports=(
        "GDPR 32(1)(a)",
        "TEHDAS SDR-3 SDR-4",
        "NIS2 21(2)(h)",
        "ISO A.8.24",
        "BSI SYS.1.1.A34",
        "GS++ KONF.3.2 KONF.11.8",
    ),
    remediation="Set storage.encryption with a key from tpm2, tang, file, prompt or kms.",
    applies=("T2", "T3", "compute"),
)
def disks_are_encrypted(document: Document) -> Findings:
    """Disks are sent in for repair, sold and stolen with all that is on them."""
    spec = document.spec
    if spec.storage is None:
        yield NOT_APPLICABLE, "the node declares no storage"
        return
    if is_rehearsal(document):
        yield NOT_APPLICABLE, "all machines are sandboxes; no patient data may be on them"
        return
    at = At(spec, "storage.encryption")
    encryption = spec.storage.encryption
    if encryption is None:
        yield False, at, "no encryption is declared"
        return
    yield (
        encryption.key_from in KEYS[encryption.method],
        at,
        f"{encryption.method} with a key from {encryption.key_from}",
    )


@check(
    id="STO-03",
    title="A second copy is kept elsewhere, encrypted, and restored on trial",
    severity=Severity.HIGH,
    supports=(
        "GDPR 32(1)(c)",
        "TEHDAS OPR-24 OPR-27",
        "NIS2 21(2)(c) (CIR 4.2)",
        "ISO A.8.13",
        "GS++ NOT.4.4 NOT.4.8 NOT.4.16",
    ),
    remediation="Set backup with another machine, encrypted: true, keep_days and a restore test.",
    applies=("T2", "T3", "hub"),
)
def backup_is_sound(document: Document, limits: Parameters) -> Findings:
    """A backup that was never restored is a hope."""
    spec = document.spec
    backup = spec.backup
    if backup is None:
        yield False, At(spec, "backup"), "no backup is declared"
        return
    said = "are" if backup.encrypted else "are not"
    yield backup.encrypted, At(spec, "backup.encrypted"), f"copies {said} encrypted on the host"
    machine = urlsplit(backup.to).hostname or ""
    own = {host.name for host in spec.hosts} | {
        host.machine.existing for host in spec.hosts if host.machine != "sandbox"
    }
    elsewhere = machine not in own | {"localhost", "127.0.0.1"}
    yield elsewhere, At(spec, "backup.to"), f"copies go to {machine}"
    keep = limits.number("backup_keep_days")
    days = backup.keep_days
    yield days >= keep, At(spec, "backup.keep_days"), f"kept {days} days, wanted {keep} or more"
    every, most = backup.restore_test_every_days, limits.number("restore_test_every_days")
    yield (
        every <= most,
        At(spec, "backup.restore_test_every_days"),
        f"restored on trial every {every} days, wanted every {most} or fewer",
    )
