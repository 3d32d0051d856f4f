"""The intake of a live host: strangers stay out, no name leaves, nothing is left lying."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.verdicts import NOT_APPLICABLE, At, Severity
from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from cairn.checks.host import EvidenceHost, Reply
    from cairn.checks.parameters import Parameters
    from cairn.checks.verdicts import Findings

NO_INTAKE = "the host takes no images from modalities"
SPOOL = "/var/lib/cairn-intake"
#: The installed program, with the settings in force, as its unit runs it.
TRIAL = """PYTHONPATH=$(systemctl show --property=Environment --value cairn-intake.service |
tr ' ' '\\n' | sed -n 's/^PYTHONPATH=//p') PYTHONDONTWRITEBYTECODE=1 \\
python3 -s -P -m cairn_intake.trial {what} /etc/cairn/intake.toml"""
#: What a stranger may be answered. A port that is closed tells nothing, except where none is meant.
TURNED_AWAY = ("refused by TLS", "cut off", "rejected", "aborted")
MINUTE_S = 60


def _takes_images(host: EvidenceHost) -> bool:
    return any(role.name == "intake" for role in host.plan.roles)


def _told(reply: Reply, what: str) -> dict[str, object]:
    try:
        told = json.loads(reply.lines[-1])
    except (ValueError, IndexError):
        raise VerifyFailed(f"the trial of {what} says: {reply.last}") from None
    if not isinstance(told, dict):
        raise VerifyFailed(f"the trial of {what} says: {reply.last}")
    return told


@check(
    id="HST-16",
    title="The intake refuses who has no certificate, no TLS or no place in the list",
    severity=Severity.HIGH,
    supports=(
        "DICOM PS3.15 B.12",
        "IHE ATNA ITI-19",
        "GDPR 32(1)(a) 32(1)(d)",
        "NIS2 21(2)(h)",
        "ISO A.8.21 A.8.24",
    ),
    remediation="Run `cairn up NAME`; look with `systemctl status cairn-intake` what runs there.",
    applies=("T2", "T3"),
    limit_s=60,
)
def strangers_stay_out(host: EvidenceHost) -> Findings:
    """A setting may say what it likes; who gets an association is known when one is asked for."""
    if not _takes_images(host):
        yield NOT_APPLICABLE, NO_INTAKE
        return
    told = _told(host.run(TRIAL.format(what="doors")), "the doors")
    yield len(told) > 1, At(host, "doors"), f"{len(told)} were tried"
    for door, answer in told.items():
        away = str(answer).startswith(TURNED_AWAY) or (door, answer) == ("plain port", "closed")
        yield away, At(host, door), str(answer)


@check(
    id="HST-17",
    title="De-identification takes every planted identifier out of a phantom",
    severity=Severity.CRITICAL,
    supports=(
        "DICOM PS3.15 E.2 E.3.1",
        "EHDS 66(2) 66(3)",
        "GDPR 25(1) 32(1)(d)",
        "EUCAIM-HB 5",
        "ISO A.8.11",
    ),
    remediation="Stop cairn-deidentify, and run `cairn up NAME`, which puts the program back.",
    applies=("T2", "T3", "transfer"),
    limit_s=60,
)
def phantom_leaves_without_a_name(host: EvidenceHost, limits: Parameters) -> Findings:
    """What is tried is the program and the profile that are installed, with a key of its own."""
    if not _takes_images(host):
        yield NOT_APPLICABLE, NO_INTAKE
        return
    told = _told(host.run(TRIAL.format(what="phantom")), "the phantom")
    planted, least = told.get("planted"), limits.number("phantom_marks")
    enough = isinstance(planted, int) and planted >= least
    yield enough, At(host, "planted"), f"{planted} identifiers, at least {least} are to be"
    left = told.get("left", told.get("refused", "the answer is not complete"))
    yield left == 0, At(host, "what leaves"), f"identifiers left: {left}"


@check(
    id="INT-01",
    title="No image waits long in the intake",
    severity=Severity.HIGH,
    supports=("GDPR 5(1)(e) 32(1)(b)", "NIS2 21(2)(c)", "ISO A.8.6"),
    remediation="Read `journalctl -u cairn-deidentify`; start the archive if it is down.",
    applies=("T2", "T3"),
)
def nothing_waits_long(host: EvidenceHost, limits: Parameters) -> Findings:
    """What waits still names its patient, and a modality may have deleted its own copy."""
    if not _takes_images(host):
        yield NOT_APPLICABLE, NO_INTAKE
        return
    most = limits.number("intake_waits_minutes")
    folders = f"{SPOOL}/waiting {SPOOL}/incoming"
    reply = host.run(f"echo now $(date +%s); find {folders} -type f -printf 'image %T@\\n'")
    words = [line.split() for line in reply.lines]
    now = next((int(word[1]) for word in words if word[0] == "now" and len(word) > 1), None)
    if now is None or reply.status:
        raise VerifyFailed(f"the spool of the intake says: {reply.last}")
    ages = [now - float(word[1]) for word in words if word[0] == "image"]
    oldest = max(ages, default=0) / MINUTE_S
    told = f"{len(ages)} images, the oldest for {oldest:.0f} minutes, allowed {most}"
    yield oldest <= most, At(host, f"{SPOOL}/waiting"), told


@check(
    id="INT-02",
    title="No image in quarantine waits for a decision",
    severity=Severity.MEDIUM,
    supports=("DICOM PS3.15 E.3.1", "GDPR 5(1)(d) 5(1)(e)", "ISO A.8.11"),
    remediation="Read the .reason files in /var/lib/cairn-intake/quarantine; correct or delete.",
    applies=("T2", "T3"),
)
def quarantine_is_empty(host: EvidenceHost) -> Findings:
    """An image that may not leave is one that its study lacks, and a name on the disk."""
    if not _takes_images(host):
        yield NOT_APPLICABLE, NO_INTAKE
        return
    folder = f"{SPOOL}/quarantine"
    reply = host.run(
        f"cd {folder} && find . -name '*.reason' -exec sed -n '1s/^/reason /p' -s {{}} + && "
        "echo held $(find . -name '*.dcm' | wc -l)"
    )
    words = [line.split() for line in reply.lines]
    held = next((int(word[1]) for word in words if word[0] == "held" and len(word) > 1), None)
    if held is None:
        raise VerifyFailed(f"{folder} says: {reply.last}")
    reasons = Counter(word[1] for word in words if word[0] == "reason" and len(word) > 1)
    told = ", ".join(f"{name} {count}" for name, count in sorted(reasons.items()))
    yield not held, At(host, folder), f"{held} images held back" + (f": {told}" if told else "")


@check(
    id="INT-03",
    title="Images have the attributes that EUCAIM asks for",
    severity=Severity.LOW,
    supports=("EUCAIM-HB 5",),
    remediation="Have modalities send them; age and dates need the options that retain them.",
    applies=("T2", "T3"),
)
def minimum_is_there(host: EvidenceHost, limits: Parameters) -> Findings:
    """An image without age, body part or date is found by no query of the federation."""
    if not _takes_images(host):
        yield NOT_APPLICABLE, NO_INTAKE
        return
    path = f"{SPOOL}/counts/counts.json"
    told = _told(host.run(f"cat {path} 2>/dev/null || echo '{{\"passed-on\": 0}}'"), "the counts")
    passed, most = told.get("passed-on"), limits.fraction("eucaim_missing_share")
    if not isinstance(passed, int):
        raise VerifyFailed(f"{path} has no number of images")
    yield True, At(host, path), f"{passed} images were passed on"
    for name, count in sorted(told.items()):
        if name.startswith("missing.") and isinstance(count, int):
            share = count / max(passed, 1)
            what = name.removeprefix("missing.")
            told_as = f"missing in {share:.0%}, allowed {most:.0%}"
            yield share <= most, At(host, what), told_as
