"""The GPU of a host: driver, persistence, container toolkit, and who may use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from cairn.plan import ways
from cairn.plan.model import Account, Flow, PlannedFile, PlannedRole, Service
from cairn.plan.roles.base import RELEASES
from cairn.spec.imaging import Gpu
from cairn.spec.node import ComputeNode, DataProviderNode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.plan.context import Context
    from cairn.spec.imaging import GpuToolkit

ROLE: Final = "gpu"
#: The one account that may use the GPU, and the group that its device files belong to.
AGENT: Final = "cairn-fl-agent"
GROUP: Final = "cairn-gpu"

#: Kernel module, CUDA, nvidia-smi and persistence of Debian's non-free archive; no display.
DRIVER: Final = (
    "libcuda1",
    "nvidia-kernel-dkms",
    "nvidia-modprobe",
    "nvidia-persistenced",
    "nvidia-smi",
)
CONTAINERS: Final = ("crun", "fuse-overlayfs", "podman", "uidmap")
TOOLKIT: Final = "nvidia-container-toolkit-base"

SOURCES: Final = "/etc/apt/sources.list.d/cairn-gpu.sources"
PINS: Final = "/etc/apt/preferences.d/cairn-gpu"
UNITS: Final = "/etc/systemd/system"
FILES: Final = (
    SOURCES,
    PINS,
    f"{UNITS}/cairn-gpu-health.service",
    f"{UNITS}/cairn-gpu-health.timer",
    f"{UNITS}/nvidia-persistenced.service.d/cairn.conf",
)
WITH_TOOLKIT: Final = ("/etc/apt/apt.conf.d/91cairn-gpu", f"{UNITS}/cairn-gpu-cdi.service")
#: Where containers find what the GPU consists of (CNCF container device interface).
CDI: Final = "/run/cdi/nvidia.yaml"

NONE: Final = "GPU: the spec says there is none; everything else works without one"
NO_CONTAINERS: Final = "GPU in containers: the spec names no container toolkit (gpu.toolkit)"


def plan(context: Context) -> PlannedRole:
    """Plan the GPU runtime of one host; nothing but a sentence where the spec has no GPU."""
    spec = context.spec
    gpu = spec.gpu if isinstance(spec, DataProviderNode | ComputeNode) else Gpu(vendor="none")
    if gpu.vendor == "none":
        return PlannedRole(name=ROLE, variables={"gpu_vendor": "none"}, without=(NONE,))
    units = _units(gpu)
    return PlannedRole(
        name=ROLE,
        variables=_variables(context, gpu, units),
        settings=_settings(context, gpu),
        files=tuple(_files(gpu)),
        packages=_packages(gpu),
        services=tuple(Service(unit) for unit in units),
        accounts=(Account(AGENT, "runs the federated-learning agent, uses the GPU", login=False),),
        flows=tuple(_flows(context, gpu.toolkit)),
        without=() if gpu.toolkit else (NO_CONTAINERS,),
    )


def _units(gpu: Gpu) -> tuple[str, ...]:
    """Return the units in the order in which they are started."""
    cdi = ("cairn-gpu-cdi.service",) if gpu.toolkit else ()
    return ("nvidia-persistenced.service", *cdi, "cairn-gpu-health.timer")


def _packages(gpu: Gpu) -> tuple[str, ...]:
    extra = (*CONTAINERS, TOOLKIT) if gpu.toolkit else ()
    return tuple(sorted((*DRIVER, *extra)))


def _variables(context: Context, gpu: Gpu, units: tuple[str, ...]) -> dict[str, Any]:
    return {
        "gpu_vendor": gpu.vendor,
        "gpu_own_kernel": "kernel" in context.host.capabilities,
        "gpu_driver": gpu.driver or "",
        "gpu_memory_mib": int(gpu.memory or 0) // 2**20,
        "gpu_packages": list(_packages(gpu)),
        "gpu_services": list(units),
    }


def _settings(context: Context, gpu: Gpu) -> dict[str, Any]:
    network, toolkit = context.spec.network, gpu.toolkit
    mirror = urlsplit(toolkit.mirror if toolkit else "")
    return {
        "release": RELEASES[context.host.os],
        "mirror": network.debian_mirror,
        "security_mirror": network.debian_security_mirror,
        "driver": gpu.driver or "",
        "toolkit": toolkit.version if toolkit else "",
        "toolkit_mirror": toolkit.mirror.rstrip("/") if toolkit else "",
        "toolkit_key": context.document.toolkit_key.splitlines(),
        "toolkit_host": mirror.hostname or "",
        "toolkit_scheme": mirror.scheme,
        "toolkit_proxy": ways.proxy_to(network, mirror.hostname or "") if toolkit else "",
        "agent": AGENT,
        "group": GROUP,
        "cdi": CDI,
    }


def _files(gpu: Gpu) -> Iterator[PlannedFile]:
    for path in (*FILES, *(WITH_TOOLKIT if gpu.toolkit else ())):
        yield PlannedFile(path, f"{ROLE}{path}.j2")


def _flows(context: Context, toolkit: GpuToolkit | None) -> Iterator[Flow]:
    if toolkit is None:
        return
    end = ways.end_of(toolkit.mirror)
    peer, port = ways.proxy_end(context.spec.network, end[0]) or end
    why = "The GPU vendor's container toolkit comes from here; its index is signed."
    yield Flow("gpu-toolkit", "out", peer, "tcp", port, why, ROLE)
