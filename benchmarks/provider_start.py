"""How long the provider takes to start and how much memory it holds.

Run with `.venv/bin/python benchmarks/provider_start.py`; beside it stands what Pulumi's SDK starts
for a dynamic provider.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from statistics import median

import grpc
import psutil
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2_grpc

BESIDE = Path(sys.executable).parent
TIMES = 9
MIB = 2**20


def main() -> None:
    """Print seconds to the first answer and resident memory then."""
    commands = {
        "pulumi-resource-cairn": [str(BESIDE / "pulumi-resource-cairn")],
        "python -m pulumi.dynamic": [sys.executable, "-u", "-m", "pulumi.dynamic", "127.0.0.1:1"],
    }
    print(f"{'provider':28} {'median':>8} {'best':>8} {'memory':>9}   of {TIMES} starts")
    for name, command in commands.items():
        seen = [asyncio.run(_start(command)) for _ in range(TIMES)]
        seconds, memory = sorted(s for s, _ in seen), max(m for _, m in seen)
        print(f"{name:28} {median(seconds):7.3f}s {seconds[0]:7.3f}s {memory / MIB:5.0f} MiB")


async def _start(command: list[str]) -> tuple[float, int]:
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None  # noqa: S101 - asked for above
    port = (await process.stdout.readline()).decode().strip()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await provider_pb2_grpc.ResourceProviderStub(channel).GetPluginInfo(Empty())
    seconds = time.perf_counter() - begun
    memory = psutil.Process(process.pid).memory_info().rss
    process.terminate()
    await process.wait()
    return seconds, memory


if __name__ == "__main__":
    main()
