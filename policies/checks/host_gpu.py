"""The GPU of a live host: there, as pinned, and the agent's alone."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.verdicts import NOT_APPLICABLE, At, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cairn.checks.host import EvidenceHost, Reply
    from cairn.checks.verdicts import Findings

NO_GPU = "the spec says that the node has no GPU"
CARDS = "nvidia-smi --query-gpu=driver_version,memory.total --format=csv,noheader,nounits"
#: `runuser` is the system's own way to be somebody else without a login (runuser(1)).
ASK = "nvidia-smi --list-gpus"
AS_AGENT = f"runuser --user cairn-fl-agent -- {ASK}"
AS_NOBODY = f"runuser --user nobody -- {ASK}"
FILES = "stat --format '%n %U %G %a' /dev/nvidia[0-9]* /dev/nvidiactl /dev/nvidia-uvm"
#: Who is in the group of the device files, besides the account of the persistence daemon.
MEMBERS = "getent group cairn-gpu"


def _wanted(host: EvidenceHost) -> Mapping[str, Any] | None:
    """Return what the plan wants of the GPU, or None where it wants none."""
    for role in host.plan.roles:
        if role.name == "gpu" and role.variables["gpu_vendor"] != "none":
            return role.variables
    return None


@check(
    id="HST-19",
    title="The GPU is there, with the pinned driver and the declared memory",
    severity=Severity.MEDIUM,
    supports=("EUCAIM-HB Tab 8", "ISO A.8.9 A.8.19"),
    remediation="Pin gpu.driver, run `cairn up NAME`, and restart the host if it asks.",
)
def gpu_is_as_pinned(host: EvidenceHost) -> Findings:
    """Results of two nodes compare only if both computed with what they say they have."""
    wanted = _wanted(host)
    if wanted is None:
        yield NOT_APPLICABLE, NO_GPU
        return
    reply = host.run(CARDS)
    cards = [row for row in csv.reader(reply.lines) if len(row) == 2 and row[1].strip().isdigit()]  # noqa: PLR2004 - two columns were asked for
    if reply.status or not cards:
        yield False, At(host, "nvidia-smi"), f"no GPU answers: {reply.last}"
        return
    pinned = wanted["gpu_driver"]
    for number, (driver, memory) in enumerate(cards):
        at = At(host, f"gpu {number}: driver")
        yield driver == pinned, at, f"driver {driver}, pinned {pinned or 'none'}"
        least, has = wanted["gpu_memory_mib"], int(memory)
        # The driver keeps a part for itself and tells what is left.
        yield has >= least * 0.9, At(host, f"gpu {number}: memory"), f"{has} MiB of {least}"


@check(
    id="GPU-01",
    title="Containers are told of every GPU of the host",
    severity=Severity.LOW,
    supports=("EUCAIM-HB Tab 8", "ISO A.8.9"),
    remediation="Run `systemctl restart cairn-gpu-cdi` on the host and read its journal.",
)
def cdi_names_every_gpu(host: EvidenceHost) -> Findings:
    """A container that does not see the GPU computes on, a hundred times slower."""
    wanted = _wanted(host)
    if wanted is None:
        yield NOT_APPLICABLE, NO_GPU
        return
    if "cairn-gpu-cdi.service" not in wanted["gpu_services"]:
        yield NOT_APPLICABLE, "the spec names no container toolkit"
        return
    replies = host.ask(cards=ASK, devices="nvidia-ctk cdi list", file="cat /run/cdi/nvidia.yaml")
    cards = re.findall(r"(?m)^GPU (\d+): ", replies["cards"].text)
    yield bool(cards), At(host, "nvidia-smi"), f"{len(cards)} GPUs answer"
    listed = replies["devices"].lines
    for card in cards:
        name = f"nvidia.com/gpu={card}"
        told = "listed" if name in listed else "not listed"
        yield name in listed, At(host, f"nvidia-ctk cdi list: {name}"), told
        node = f"/dev/nvidia{card}"
        there = re.search(rf"path: {node}\s*$", replies["file"].text, re.MULTILINE) is not None
        told = "described" if there else "not described"
        yield there, At(host, f"/run/cdi/nvidia.yaml: {node}"), told


@check(
    id="GPU-02",
    title="The agent uses the GPU, and nobody else can",
    severity=Severity.HIGH,
    supports=("EHDS 73(1)(b)", "ISO A.5.15 A.8.3"),
    remediation="Take the account out of the group cairn-gpu, or restart the host.",
)
def gpu_is_the_agents_alone(host: EvidenceHost) -> Findings:
    """The memory of a GPU holds the images that were computed on last."""
    wanted = _wanted(host)
    if wanted is None:
        yield NOT_APPLICABLE, NO_GPU
        return
    replies = host.ask(agent=AS_AGENT, nobody=AS_NOBODY, files=FILES, members=MEMBERS)
    agent, nobody = replies["agent"], replies["nobody"]
    seen = _sees(agent)
    yield (
        seen,
        At(host, "as cairn-fl-agent"),
        "sees the GPU" if seen else f"sees none: {agent.last}",
    )
    refused = not _sees(nobody) and nobody.status != 0
    yield refused, At(host, "as nobody"), "is refused" if refused else "sees the GPU"
    files = [line.split(" ") for line in replies["files"].lines if line.startswith("/dev/nvidia")]
    open_to_all = [row[0] for row in files if row[1:] != ["root", "cairn-gpu", "660"]]
    at = At(host, "/dev/nvidia*")
    told = f"of other owners or modes: {', '.join(open_to_all) or 'none'}"
    yield bool(files) and not open_to_all, at, told
    members = replies["members"].text.strip().rpartition(":")[2].split(",")
    at = At(host, "group cairn-gpu")
    yield members == ["cairn-fl-agent"], at, f"members: {', '.join(members)}"


def _sees(reply: Reply) -> bool:
    return reply.status == 0 and reply.text.startswith("GPU 0: ")
