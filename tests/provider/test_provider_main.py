"""The program that Pulumi starts: its first line, and its end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import grpc
import psutil
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2_grpc

PROGRAM = str(Path(sys.executable).parent / "pulumi-resource-cairn")


def _start(*arguments: str) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_the_first_line_is_a_port_that_answers() -> None:
    process, port = _start("127.0.0.1:1")
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        answer = provider_pb2_grpc.ResourceProviderStub(channel).GetPluginInfo(Empty())
    process.terminate()
    assert process.wait(10) == 0
    assert answer.version


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(number: signal.Signals) -> None:
    process, _ = _start("127.0.0.1:1")
    process.send_signal(number)
    assert process.wait(5) == 0


def test_it_ends_when_its_engine_is_killed() -> None:
    # The engine is a process that starts the provider, tells its number and waits.
    engine = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            (
                "import subprocess, sys, time\n"
                "p = subprocess.Popen([sys.argv[1], '127.0.0.1:1'], stdout=subprocess.PIPE)\n"
                "p.stdout.readline()\n"
                "print(p.pid, flush=True)\n"
                "time.sleep(60)"
            ),
            PROGRAM,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert engine.stdout is not None
    provider = psutil.Process(int(engine.stdout.readline()))
    engine.kill()
    engine.wait()
    psutil.wait_procs([provider], timeout=10)
    assert not provider.is_running() or provider.status() == psutil.STATUS_ZOMBIE


def test_neither_ansible_nor_the_sandbox_is_loaded_at_the_start() -> None:
    program = (
        "import sys, cairn.provider.main\n"
        "print([m for m in ('ansible', 'ansible_runner', 'cairn.sandbox') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
