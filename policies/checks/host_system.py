"""Kernel, clock, records and updates of a live host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.verdicts import MANUAL, At, Severity
from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from cairn.checks.host import EvidenceHost
    from cairn.checks.parameters import Parameters
    from cairn.checks.verdicts import Findings

DAY_S = 86_400


@check(
    id="HST-08",
    title="AppArmor is on, and no running service is only complained about",
    severity=Severity.MEDIUM,
    supports=(
        "CIS-D12 1.3.1.4",
        "CIS-D13 1.3.1.3",
        "ANSSI R45",
        "BSI SYS.1.3.A10",
        "ISO A.8.9",
    ),
    remediation="Run `aa-enforce` on the profile, and `cairn up NAME` if AppArmor is off.",
    needs=("apparmor",),
)
def apparmor_enforces(host: EvidenceHost) -> Findings:
    """A service that is broken into can then still do only what it was made for."""
    reply = host.run("aa-status --json")
    try:
        profiles: dict[str, str] = json.loads(reply.text)["profiles"]
        processes: dict[str, list[dict[str, str]]] = json.loads(reply.text)["processes"]
    except (ValueError, KeyError):
        yield False, At(host, "aa-status"), f"AppArmor does not answer: {reply.last}"
        return
    enforced = [name for name, mode in profiles.items() if mode == "enforce"]
    yield bool(enforced), At(host, "profiles"), f"{len(enforced)} profiles are enforced"
    complaining = [
        name
        for name, running in processes.items()
        if any(process["status"] == "complain" for process in running)
    ]
    told = f"only complained about: {', '.join(complaining) or 'none'}"
    yield not complaining, At(host, "processes"), told


@check(
    id="HST-09",
    title="The kernel is hardened",
    severity=Severity.MEDIUM,
    supports=(
        "ANSSI R9 R11 R12",
        "CIS-D12 1.5.1 1.5.2 3.3.1",
        "CIS-D13 1.5.9 1.5.10",
        "BSI SYS.1.3.A17",
    ),
    remediation="Run `sysctl --system` on the host, and look which file sets another value.",
    needs=("kernel",),
)
def kernel_is_hardened(host: EvidenceHost, limits: Parameters) -> Findings:
    """What is asked is the kernel, not the file: a later file or a running program may differ."""
    least, exact = limits.table("kernel_at_least"), limits.table("kernel_exactly")
    names = [*least, *exact]
    reply = host.run(f"sysctl --ignore {' '.join(names)}")
    values = dict(line.split(" = ", 1) for line in reply.lines if " = " in line)
    for name in names:
        value = values.get(name, "not known to the kernel")
        known = value.strip().isdigit()
        right = known and (
            int(value) >= least[name] if name in least else int(value) == exact[name]
        )
        wanted = f"{least[name]} or more" if name in least else str(exact[name])
        yield right, At(host, f"sysctl {name}"), f"{value}, wanted {wanted}"


@check(
    id="HST-10",
    title="The audit daemon runs, and its rules cannot be changed before a restart",
    severity=Severity.HIGH,
    supports=(
        "EHDS 73(1)(e) 73(1)(f)",
        "CIS-D12 6.2.1.2 6.2.2.2 6.2.3.20",
        "CIS-D13 6.2.1.2 6.2.2.2 6.2.3.36",
        "ANSSI R73",
        "ISO A.8.15",
    ),
    remediation="Run `cairn up NAME`, then restart the host once: the rules are locked at boot.",
    applies=("T2", "T3", "hub", "compute"),
    needs=("audit",),
)
def audit_is_locked(host: EvidenceHost, limits: Parameters) -> Findings:
    """Who became root can switch the record off, unless the kernel refuses."""
    replies = host.ask(
        state="systemctl is-active auditd.service; systemctl is-enabled auditd.service",
        status="auditctl -s",
        rules="auditctl -l",
        due="grep -sx auditd /run/reboot-required.pkgs",
    )
    state = " and ".join(replies["state"].lines)
    yield state == "active and enabled", At(host, "auditd.service"), state
    status = dict(line.split(" ", 1) for line in replies["status"].lines if " " in line)
    enabled = status.get("enabled", "not told").strip()
    at = At(host, "auditctl -s: enabled")
    if enabled == "1" and "auditd" in replies["due"].lines:
        # Rules lock at boot only. How long a restart may be put off is asked by HST-14.
        yield MANUAL, at, "the rules are loaded and lock at the next restart: restart the host"
    else:
        yield enabled == "2", at, f"enabled {enabled}, locked is 2"
    loaded = set(replies["rules"].text.replace("key=", "-k ").split())
    for key in sorted(limits.words("audit_keys")):
        there = key in loaded
        at = At(host, f"auditctl -l: {key}")
        yield there, at, "rules are loaded" if there else "no rule of this key is loaded"


@check(
    id="HST-13",
    title="The clock is right and has more than one source",
    severity=Severity.MEDIUM,
    supports=(
        "CIS-D12 2.3.1.1 2.3.3.1 2.3.3.3",
        "CIS-D13 2.3.1.1 2.3.3.3",
        "ISO A.8.17",
        "IHE CT ITI-1",
        "DICOM PS3.15 6.6",
    ),
    remediation="See with `chronyc sources` which server does not answer; correct network.ntp.",
    needs=("clock",),
)
def clock_is_right(host: EvidenceHost, limits: Parameters) -> Findings:
    """Logs of two hosts, and certificates, make sense only on one time."""
    replies = host.ask(
        tracking="chronyc -c tracking",
        sources="chronyc -c sources",
        others="systemctl is-active systemd-timesyncd.service ntpsec.service || true",
    )
    tracking = replies["tracking"].text.strip().split(",")
    if len(tracking) < 14:  # noqa: PLR2004 - chronyc(1), -c prints 14 fields
        yield (
            False,
            At(host, "chronyc tracking"),
            f"chrony does not answer: {replies['tracking'].last}",
        )
        return
    offset, most = abs(float(tracking[4])), limits.fraction("clock_offset_seconds")
    at = At(host, "chronyc tracking")
    yield offset < most, at, f"the clock is {offset:.6f} s off, allowed {most:g} s"
    yield tracking[13] == "Normal", At(host, "leap status"), f"leap status {tracking[13]}"
    rows = [line.split(",") for line in replies["sources"].lines]
    answering = [row[2] for row in rows if len(row) > 5 and row[5] != "0"]  # noqa: PLR2004 - reach
    fewest = limits.number("clock_sources")
    at = At(host, "chronyc sources")
    yield len(answering) >= fewest, at, f"{len(answering)} sources answer, wanted {fewest}"
    alone = "active" not in replies["others"].lines
    yield alone, At(host, "time daemons"), "chrony alone" if alone else "a second daemon runs"


#: Seconds since: the last look for packages, the last unattended run (or the first boot of a
#: host that had none yet), and the moment a restart became due.
AGES = r"""age() { [ -z "$2" ] || echo "$1 $(($(date +%s) - ${2%.*}))"; }
changed() { stat --format '%Y' "$@" 2>/dev/null | sort -n | tail -n 1; }
lists=/var/lib/apt/lists past=/var/lib/apt/periodic
looked=$(changed $lists $lists/partial $past/update*stamp)
[ -z "$(ls $lists/*InRelease 2>/dev/null)" ] || age lists "$looked"
ran=$(changed $past/unattended-upgrades-stamp)
age upgraded "${ran:-$(changed /etc/machine-id)}"
age reboot "$(changed /run/reboot-required)"
"""
#: What apt.conf(5) takes for yes.
TRUE = {"1", "yes", "true", "with", "on", "enable"}
SETTINGS = "apt-config dump | grep -iE 'Periodic|Origins-Pattern|Insecure|Unauthenticated'"
TIMERS = "systemctl is-active apt-daily.timer apt-daily-upgrade.timer"
PENDING = "apt-get --simulate --quiet dist-upgrade | grep '^Inst ' | grep -i security || true"
TRUSTED = (
    "grep -rsiE '^[^#]*(trusted *= *yes|^trusted: *yes|allow-insecure)' /etc/apt/sources.list "
    "/etc/apt/sources.list.d || true"
)


@check(
    id="HST-14",
    title="Security updates go in by themselves, from signed sources, and none waits",
    severity=Severity.HIGH,
    supports=(
        "ANSSI R59 R61",
        "CIS-D12 1.2.1.2 1.2.2.1",
        "CIS-D13 1.2.2.1",
        "TEHDAS OPR-28",
        "NIS2 21(2)(e) (CIR 6.6)",
        "ISO A.8.8",
        "GS++ DET.5.10 KONF.8.1.1",
    ),
    remediation="Run `unattended-upgrade` on the host and read what it says; restart if it asks.",
    limit_s=60,
)
def security_updates_go_in(host: EvidenceHost, limits: Parameters) -> Findings:
    """Most break-ins use a hole that had been closed weeks before."""
    replies = host.ask(
        ages=AGES, settings=SETTINGS, timers=TIMERS, pending=PENDING, trusted=TRUSTED
    )
    timers = replies["timers"].lines
    at = At(host, "timers")
    yield timers == ("active", "active"), at, f"download and upgrade: {', '.join(timers)}"
    settings = replies["settings"].text
    for wanted in ("Update-Package-Lists", "Unattended-Upgrade"):
        on = f'APT::Periodic::{wanted} "1"' in settings
        yield on, At(host, f"apt: {wanted}"), "once a day" if on else "not once a day"
    security = "label=Debian-Security" in settings
    at = At(host, "apt: origins")
    yield security, at, f"security updates are {'among' if security else 'not among'} them"
    unsigned = any(line.split('"')[1].casefold() in TRUE for line in _insecure(settings))
    careless = unsigned or bool(replies["trusted"].lines)
    told = "a source without signature is allowed" if careless else "all sources are signed"
    yield not careless, At(host, "apt: sources"), told
    ages = _ages(replies["ages"].lines)
    pending = len(replies["pending"].lines)
    yield from _are_young(host, ages, pending, limits)


def _insecure(settings: str) -> list[str]:
    lines = settings.splitlines()
    named = ("Insecure", "AllowUnauthenticated")
    return [line for line in lines if '"' in line and any(name in line for name in named)]


def _ages(lines: tuple[str, ...]) -> dict[str, float]:
    """Return ages in days."""
    try:
        return {name: int(age) / DAY_S for name, age in (line.split() for line in lines)}
    except ValueError:
        raise VerifyFailed("the ages of the package lists cannot be read") from None


def _are_young(
    host: EvidenceHost, ages: dict[str, float], pending: int, limits: Parameters
) -> Findings:
    most = limits.number("package_lists_days")
    lists = ages.get("lists")
    at = At(host, "package lists")
    if lists is None:
        yield False, at, "there are none"
    else:
        yield lists <= most, at, f"{lists:.1f} days old, allowed {most}"
    wait, longest = ages.get("upgraded", 0.0), limits.number("security_update_days")
    at = At(host, "security updates")
    told = f"{pending} pending, the last unattended run {wait:.1f} days ago, allowed {longest}"
    yield pending == 0 or wait <= longest, at, told
    due, put_off = ages.get("reboot", 0.0), limits.number("reboot_days")
    at = At(host, "/run/reboot-required")
    told = f"due for {due:.1f} days, allowed {put_off}" if due else "no restart is due"
    yield due <= put_off, at, told
