"""The cell that an app's code runs in: no network, no credential, nothing to write but scratch.

bubblewrap makes it out of namespaces, without rights. What stands beside it watches memory,
processes and time, because a cell cannot be trusted to do so itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cairn_account.refusal import Refused
from cairn_approval import watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

INSIDE: Final = Path(__file__).with_name("inside.py")
#: System calls that no app needs, as a filter that the role makes with libseccomp.
FILTER: Final = Path("/usr/local/lib/cairn/cell.bpf")
#: Seconds between two looks at the cell.
OFTEN: Final = 0.1
#: Starts a command with no more than its standard files and the filter open: a scheduler that is
#: called back would leave the socket for that to the app.
ALONE: Final = """import os, sys
kept = int(sys.argv[1])
os.closerange(3, kept)
os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))
os.execv(sys.argv[2], sys.argv[2:])
"""
#: Seconds that a scheduler has to take a place back.
GIVES_BACK: Final = 10
#: Bytes of shared memory, and of what the app unpacks to.
SHARED: Final = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Visit:
    """What goes into the cell.

    Attributes:
        files: What lies under /input, by name.
        dataset: Name of the data set.
        data: Where it lies on the host.
        limits: `memory` and `processes`, `seconds`, `cores`, and `answer`: bytes that may come out.
        told: What else the app finds in its environment: limits that it keeps of itself.
        inside: What runs in the cell.
        within: What stands before the command of the cell: a scheduler's, which waits for a turn.
    """

    files: Mapping[str, bytes]
    dataset: str
    data: Path
    limits: Mapping[str, int]
    told: Mapping[str, str] = field(default_factory=dict)
    inside: Path = INSIDE
    within: tuple[str, ...] = ()


def answer(visit: Visit) -> bytes:
    """Run what is in the cell and return what it wrote on its standard output.

    Raises:
        Refused: It took too long, too much memory, too many processes, or says too much.
    """
    with tempfile.TemporaryDirectory(prefix="cell-") as folder, _filter() as rules:
        for name, data in visit.files.items():
            (Path(folder) / name).write_bytes(data)
        (Path(folder) / "limits.json").write_text(json.dumps(dict(visit.limits)), "ascii")
        command = [*_turn(visit.within, rules), *command_of(visit, folder, rules)]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            pass_fds=[rules],
        ) as child:  # fmt: skip
            try:
                return _heard(child, visit.limits)
            finally:
                _end(child, waits=bool(visit.within))


def _turn(within: tuple[str, ...], rules: int) -> list[str]:
    """Return what waits for a turn, and closes behind it what it had open itself."""
    return [*within, sys.executable, "-IBc", ALONE, str(rules)] if within else []


def _end(child: subprocess.Popen[bytes], *, waits: bool) -> None:
    """End the cell; what had a turn for it gives that back before it ends itself.

    With bubblewrap everything in the cell ends (--die-with-parent, --unshare-pid).
    """
    if waits:
        for process in watch.below(child.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GIVES_BACK)
    child.kill()


def command_of(visit: Visit, folder: str, rules: int) -> list[str]:
    """Return the command line of bubblewrap for a visit."""
    scratch = str(visit.limits["memory"] // 2)
    words = ["/usr/bin/bwrap", "--unshare-all", "--unshare-user", "--die-with-parent"]
    words += ["--new-session", "--clearenv", "--cap-drop", "ALL"]
    words += ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "lib", "lib64", "sbin"):
        words += ["--symlink", f"usr/{name}", f"/{name}"]
    for path in _outside_usr():
        words += ["--ro-bind", path, path]
    words += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    words += ["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"]
    words += ["--ro-bind", folder, "/input", "--ro-bind", str(visit.data), f"/data/{visit.dataset}"]
    words += ["--dev", "/dev", "--size", str(SHARED)]
    words += ["--tmpfs", "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108 - of the cell
    words += ["--size", str(SHARED), "--tmpfs", "/app", "--size", scratch, "--tmpfs", "/scratch"]
    words += ["--chdir", "/scratch", "--remount-ro", "/"]
    for name, value in environment(visit).items():
        words += ["--setenv", name, value]
    words += ["--seccomp", str(rules)]
    return [*words, "--", sys.executable, "-IB", str(visit.inside)]


def environment(visit: Visit) -> dict[str, str]:
    """Return the whole environment of the cell."""
    cores = str(visit.limits["cores"])
    return {
        **visit.told,
        "CAIRN_DATA": "/data",
        "CAIRN_DATASET": visit.dataset,
        "CAIRN_SCRATCH": "/scratch",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_HOME": "/scratch",
        "FLWR_TELEMETRY_ENABLED": "0",
        "HOME": "/scratch",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": cores,
        "OPENBLAS_NUM_THREADS": cores,
        "PATH": "/usr/bin",
        "TMPDIR": "/scratch",
    }


def _outside_usr() -> list[str]:
    """Return the folders of the interpreter and of this program that are not below /usr."""
    wanted = (sys.prefix, sys.base_prefix, str(INSIDE.parent))
    return sorted({path for path in wanted if not path.startswith("/usr/") and path != "/usr"})


@contextlib.contextmanager
def _filter() -> Iterator[int]:
    """Open the filter of system calls; a host on which it is missing runs nothing."""
    try:
        number = os.open(FILTER, os.O_RDONLY)
    except OSError:
        raise Refused(f"{FILTER} is missing; run `cairn up`, which makes it") from None
    try:
        yield number
    finally:
        os.close(number)


def _heard(child: subprocess.Popen[bytes], limits: Mapping[str, int]) -> bytes:
    """Read the answer while looking after the cell."""
    ears = [
        _Ear(child.stdout, limits["answer"]),
        _Ear(child.stderr, 2**16),
    ]
    end = time.monotonic() + limits["seconds"]
    while child.poll() is None:
        watch.judge(child.pid, limits)
        if ears[0].is_full:
            raise Refused(f"the app says more than the {limits['answer']} bytes that may leave")
        if time.monotonic() > end:
            raise Refused(f"the app took longer than {limits['seconds']} seconds and was ended")
        ears[0].ended.wait(OFTEN)
        if ears[0].ended.is_set():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(OFTEN)
    for ear in ears:
        ear.ended.wait(5)
    if not ears[0].data and child.returncode:
        raise Refused(_why(child.returncode, ears[1].data))
    return bytes(ears[0].data)


def _why(status: int, complaint: bytes | bytearray) -> str:
    """Say why nothing came out; only bubblewrap's and the scheduler's own words are repeated."""
    lines = complaint.decode("utf-8", "replace").splitlines()
    told = [one for one in lines if one.startswith(("bwrap:", "salloc:"))]
    if told:
        return f"the cell cannot be made: {told[-1][:200]}"
    return f"the app ended without an answer (status {status}); it may have lacked memory"


class _Ear:
    """Reads a pipe to its end, and keeps no more than it may."""

    def __init__(self, pipe: Any, most: int) -> None:  # noqa: ANN401 - a pipe of Popen
        self.data, self.is_full, self.ended = bytearray(), False, threading.Event()
        self._pipe, self._most = pipe, most
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(ValueError, OSError):  # closed with its process
            while piece := self._pipe.read1(2**20):
                if len(self.data) + len(piece) > self._most:
                    self.is_full = True
                else:
                    self.data += piece
        self.ended.set()
