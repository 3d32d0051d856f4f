"""The machines of a node: strong enough, complete, supported, and real where data are real."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.subjects import data_provider, is_rehearsal
from cairn.checks.verdicts import MANUAL, NOT_APPLICABLE, At, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cairn.checks.parameters import Parameters
    from cairn.checks.verdicts import Findings
    from cairn.spec.document import Document
    from cairn.spec.hosts import Hardware

GB = 10**9


@check(
    id="TIER-01",
    title="The hardware meets the minimum of the tier",
    severity=Severity.MEDIUM,
    supports=("EUCAIM-HB Tab 7 Tab 8", "ISO A.8.6"),
    remediation="Declare hosts[].hardware and gpu as they are, or claim a lower tier.",
    applies=("T2", "T3"),
)
def hardware_meets_tier(document: Document, limits: Parameters) -> Findings:
    """A federated run is as slow as its slowest node, and fails where memory ends."""
    spec = data_provider(document)
    if is_rehearsal(document):
        yield NOT_APPLICABLE, "all machines are sandboxes; they have what this computer has"
        return
    tier = spec.federation.tier
    least = limits.table("tier_hardware")[str(tier)]
    known = [(host.name, host.hardware) for host in spec.hosts if host.hardware is not None]
    if not known:
        yield False, At(spec, "hosts"), "no host declares its hardware"
        return
    strong = [name for name, hardware in known if _is_strong_enough(hardware, least)]
    yield (
        bool(strong),
        At(spec, "hosts"),
        f"{', '.join(strong)} meets tier {tier}" if strong else f"no host meets tier {tier}",
    )
    size = int(spec.storage.size) if spec.storage else 0
    disk = sum(int(hardware.disk) for _, hardware in known)
    yield disk >= size, At(spec, "storage.size"), f"disks hold {disk} bytes, storage wants {size}"
    memory = int(spec.gpu.memory or 0)
    wanted = least["gpu_memory_gb"] * GB
    yield memory >= wanted, At(spec, "gpu.memory"), f"the GPU has {memory} bytes of {wanted}"


def _is_strong_enough(hardware: Hardware, least: Mapping[str, int]) -> bool:
    clock = hardware.clock_mhz or 0
    cores = hardware.cores >= least["cores"] and clock >= least.get("clock_mhz", 0)
    if "or_cores" in least:
        cores |= hardware.cores >= least["or_cores"] and clock >= least["or_clock_mhz"]
    threads = (hardware.threads or hardware.cores) >= least.get("threads", 0)
    return cores and threads and int(hardware.memory) >= least["memory_gb"] * GB


@check(
    id="TIER-02",
    title="The components of the claimed tier are complete",
    severity=Severity.HIGH,
    supports=("EUCAIM-HB 7.2 7.3 7.4", "TEHDAS FCR-3"),
    remediation="Let hosts run storage and fl-agent for tier 3, or claim a lower tier.",
    applies=("T1", "T2", "T3"),
)
def components_are_complete(document: Document) -> Findings:
    """A tier is a promise about what can be asked of a node; a missing part breaks it."""
    spec = data_provider(document)
    runs = {role for host in spec.hosts for role in host.runs}
    tier = spec.federation.tier
    yield MANUAL, At(spec, "federation.tier"), "look whether the catalogue lists the node's data"
    if tier > 1:
        yield MANUAL, At(spec, "search"), "look whether the search components of the site answer"
    if tier > 2:  # noqa: PLR2004 - tiers are counted 1, 2, 3
        for role in ("storage", "fl-agent"):
            message = "runs on a host" if role in runs else "runs on no host"
            yield role in runs, At(spec, f"hosts.runs.{role}"), f"{role} {message}"
        yield spec.storage is not None, At(spec, "storage"), _said(spec.storage, "storage")


def _said(value: object, name: str) -> str:
    return f"{name} is declared" if value is not None else f"no {name} is declared"


@check(
    id="OS-01",
    title="The operating systems get security updates for half a year more",
    severity=Severity.HIGH,
    supports=("NIS2 21(2)(e) (CIR 6.6)", "ISO A.8.8", "ANSSI R59 R61", "TEHDAS OPR-28"),
    remediation="Move the host to a newer release of Debian.",
)
def operating_system_is_supported(document: Document, today: date, limits: Parameters) -> Findings:
    """A node needs months to move; it has to begin before the updates end."""
    ends = limits.table("os_end_of_support")
    margin = timedelta(days=limits.number("os_support_margin_days"))
    for host in document.spec.hosts:
        at = At(host, "os")
        if host.os not in ends:
            yield False, at, f"{host.os} has no known end of support"
            continue
        end = date.fromisoformat(ends[host.os])
        yield end >= today + margin, at, f"{host.os} gets security updates until {end}"


@check(
    id="HOS-01",
    title="A production node stands on real machines",
    severity=Severity.CRITICAL,
    supports=("ISO A.8.31", "GDPR 32(1)(b)"),
    remediation="Set `stage: staging`, or name the machine as `{existing: ADDRESS}`.",
    waivable=False,
)
def production_is_no_sandbox(document: Document) -> Findings:
    """A sandbox shares the kernel of somebody's computer and is thrown away by one command."""
    spec = document.spec
    for host in spec.hosts:
        sandbox = host.machine == "sandbox"
        machine = "a sandbox" if sandbox else "a real machine"
        yield (
            not sandbox or spec.stage == "staging",
            At(host, "machine"),
            f"stage is {spec.stage}, the machine is {machine}",
        )
