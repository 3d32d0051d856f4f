"""What Cairn put on a live host is there as it was put."""

from __future__ import annotations

import base64
import shlex
from typing import TYPE_CHECKING

from cairn.checks.lateness import later, there
from cairn.checks.registry import check
from cairn.checks.verdicts import NOT_APPLICABLE, At, Severity
from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.checks.host import EvidenceHost, Reply
    from cairn.checks.verdicts import Findings
    from cairn.plan.model import Service
    from cairn.render.files import RenderedFile
    from cairn.spec.document import Document

#: States of `systemctl is-enabled` in which a unit starts at boot, systemctl(1).
AT_BOOT = {"enabled", "enabled-runtime", "static", "alias", "generated", "indirect"}
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


@check(
    id="FIL-01",
    title="Every rendered file is on the host with its bytes, owner and mode",
    severity=Severity.HIGH,
    supports=("ISO A.8.9 A.8.32", "NIS2 21(2)(e) (CIR 6.4)"),
    remediation="See with `cairn drift NAME` what differs; `cairn up NAME` puts it back.",
)
def files_are_as_rendered(host: EvidenceHost) -> Findings:
    """A setting that somebody changed by hand is in no spec, no preview and no backup."""
    if not host.rendered:
        yield NOT_APPLICABLE, "the plan renders no file for this host"
        return
    paths = " ".join(shlex.quote(path) for path in sorted(host.rendered))
    replies = host.ask(
        seen=f"stat --printf '%04a %U %G %F\\t%n\\n' -- {paths}", hashes=f"sha256sum -- {paths}"
    )
    seen = dict(_state(line) for line in replies["seen"].lines if "\t" in line)
    hashes = dict(_hash(line) for line in replies["hashes"].lines if "  /" in line)
    for path, file in sorted(host.rendered.items()):
        wrong = _wrong(file, seen.get(path), hashes.get(path))
        yield not wrong, At(host, path), wrong or f"{file.digest[:19]}…, mode {file.mode}"


def _state(line: str) -> tuple[str, str]:
    state, _, path = line.partition("\t")
    return path, state


def _hash(line: str) -> tuple[str, str]:
    digest, _, path = line.partition("  ")
    return path, f"sha256:{digest}"


def _wrong(file: RenderedFile, seen: str | None, digest: str | None) -> str:
    """Say what differs; empty where nothing does."""
    if seen is None:
        return "it is not there"
    mode, owner, group, kind = seen.split(" ", 3)
    wanted = f"{file.mode} {file.owner} {file.group}"
    faults = [] if kind.startswith("regular") else [f"it is a {kind}"]
    if f"{mode} {owner} {group}" != wanted:
        faults.append(f"mode and owner are {mode} {owner} {group}, planned {wanted}")
    if digest != file.digest:
        faults.append("its text was changed" if digest else "its text cannot be read")
    return "; ".join(faults)


@check(
    id="SVC-01",
    title="Every planned service runs, and starts again at boot",
    severity=Severity.HIGH,
    supports=("GDPR 32(1)(b)",),
    remediation="Read `journalctl -u UNIT` on the host; `cairn up NAME` starts it again.",
)
def services_run(host: EvidenceHost) -> Findings:
    """A service that is off protects and serves nobody, and mostly nobody notices."""
    services = host.plan.services
    if not services:
        yield NOT_APPLICABLE, "the plan names no service for this host"
        return
    names = " ".join(shlex.quote(service.unit) for service in services)
    wanted = "Id,LoadState,ActiveState,Type,RemainAfterExit,Result,UnitFileState"
    show = f"systemctl show --property={wanted} -- {names}"
    replies = host.ask(answer=show, **later(services))
    reply, there_now = replies["answer"], there(replies)
    states = list(_units(reply))
    if len(states) != len(services):
        raise VerifyFailed(f"systemd does not tell the state of its units: {reply.last}")
    for service, state in zip(services, states, strict=True):
        active, result = state.get("ActiveState", "unknown"), state.get("Result", "no result")
        at_boot = state.get("UnitFileState") or "not found"
        if service.after and service.after not in there_now and active == "inactive":
            yield NOT_APPLICABLE, At(host, service.unit), f"it waits for {service.after}"
            continue
        right = _runs(service, state) and (at_boot in AT_BOOT or not service.enabled)
        yield right, At(host, service.unit), f"{active} ({result}), at boot {at_boot}"


def _units(reply: Reply) -> Iterator[dict[str, str]]:
    for block in reply.text.strip().split("\n\n"):
        yield dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _runs(service: Service, state: dict[str, str]) -> bool:
    there = state.get("LoadState") == "loaded"
    if not there or state.get("ActiveState") == "failed":
        return False
    passing = state.get("Type") == "oneshot" and state.get("RemainAfterExit") != "yes"
    ended_well = passing and state.get("Result") == "success"
    return state.get("ActiveState") == "active" or ended_well or not service.active


@check(
    id="TRU-01",
    title="The host trusts the certificate authorities that the spec names",
    severity=Severity.MEDIUM,
    supports=("ISO A.8.24", "NIS2 21(2)(h)"),
    remediation="Run `cairn up NAME`, or renew the authority in network.trust_anchors.",
)
def anchors_are_trusted(host: EvidenceHost, document: Document) -> Findings:
    """Behind a proxy that opens TLS nothing works without the site's own authority.

    What is asked is not whether a file lies somewhere but whether the bundle that programs read
    makes a chain to the authority.
    """
    if not document.anchors:
        yield NOT_APPLICABLE, "the spec names no certificate authority"
        return
    command = f"printf %s {{}} | base64 -d | openssl verify -partial_chain -CAfile {BUNDLE}"
    asked = {
        f"anchor_{number}": command.format(base64.b64encode(pem.encode()).decode())
        for number, pem in enumerate(document.anchors.values())
    }
    replies = host.ask(**asked)
    for number, name in enumerate(document.anchors):
        reply = replies[f"anchor_{number}"]
        trusted = reply.status == 0 and reply.last.endswith(": OK")
        yield trusted, At(host, f"{BUNDLE}: {name}"), f"openssl says: {reply.last}"


#: Leaves one line in the journal and looks for it among the files that survive a restart.
MARK = """word=cairn-verify-$$-$(date +%s%N)
echo "$word" | systemd-cat --identifier=cairn-verify && journalctl --sync
journalctl --directory=/var/log/journal --identifier=cairn-verify --since=-1min --output=cat \
| grep -xF "$word" >/dev/null && echo found"""


@check(
    id="LOG-03",
    title="The journal survives a restart and keeps the declared limits",
    severity=Severity.HIGH,
    supports=("EHDS 73(1)(e)", "ISO A.8.15"),
    remediation="Run `cairn up NAME`, and see that /var/log has space.",
)
def journal_is_kept(host: EvidenceHost, document: Document) -> Findings:
    """What happened before the restart is what one wants to know after it.

    A line is written and looked for in the files under /var/log/journal.
    """
    replies = host.ask(
        marked=MARK,
        settings="systemd-analyze cat-config systemd/journald.conf",
        used="du --summarize --block-size=1 /var/log/journal",
    )
    found = replies["marked"].last == "found"
    said = "was found" if found else f"was not found: {replies['marked'].last}"
    yield found, At(host, "/var/log/journal"), f"a line written just now {said}"
    settings = dict(
        line.split("=", 1) for line in replies["settings"].lines if "=" in line and line[0] != "#"
    )
    storage = settings.get("Storage", "auto")
    yield storage == "persistent", At(host, "journald.conf: Storage"), f"Storage={storage}"
    logging = document.spec.logging
    days = f"{logging.at_most_days}day"
    kept = settings.get("MaxRetentionSec", "unset")
    at = At(host, "journald.conf: MaxRetentionSec")
    yield kept == days, at, f"MaxRetentionSec={kept}, declared {days}"
    used = replies["used"]
    size = int(used.text.split()[0]) if used.status == 0 else None
    at = At(host, "size of the journal")
    told = f"{size} bytes of {int(logging.at_most_size)}" if size is not None else used.last
    yield size is not None and size <= logging.at_most_size, at, told
