"""Runs the Pulumi CLI for one node: the environment it needs, its stack, its errors in words."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from cairn import house
from cairn.errors import ApplyFailed, Misuse
from cairn.stack import locks

PROJECT = "cairn-nodes"


def environment() -> dict[str, str]:
    """Return the environment of the CLI: the virtual environment active, state where it belongs."""
    programs = Path(sys.executable).parent
    return {
        **os.environ,
        **house.pulumi_environment(),
        "VIRTUAL_ENV": str(programs.parent),
        "PATH": f"{programs}:{os.environ.get('PATH', '/usr/bin:/bin')}",
    }


def prepare(node: str) -> None:
    """Make what a first run needs: state folder, passphrase, and the stack of the node.

    A stack whose lock was left behind by a process that is gone is unlocked, with a word.

    Raises:
        ApplyFailed: The stack cannot be made.
    """
    house.prepare_state()
    if _known(node):
        locks.release_dead(node, unlock)
        return
    made = _call("stack", "init", f"organization/{PROJECT}/{node}", "--non-interactive")
    if made.returncode and "already exists" not in made.stderr:
        raise ApplyFailed(f"{node}: the stack cannot be made: {reason(made.stderr)}")


def unlock(node: str) -> None:
    """Remove all locks of the node's stack.

    Raises:
        ApplyFailed: The backend refuses.
    """
    done = _call("cancel", "--yes", "--stack", node)
    if done.returncode:
        raise ApplyFailed(f"{node}: the stack cannot be unlocked: {reason(done.stderr)}")


def show(*arguments: str, node: str, also: dict[str, str] | None = None) -> int:
    """Run the CLI with its own output on the terminal and return its exit status.

    Args:
        arguments: Command and options, as in `up --yes`.
        node: The node whose stack it works on.
        also: More environment, for what the provider must know.
    """
    command = [_program(), *arguments, "--stack", node]
    return subprocess.run(
        command, cwd=house.root(), env={**environment(), **(also or {})}, check=False
    ).returncode


def ask(*arguments: str, node: str) -> dict[str, Any]:
    """Run the CLI with `--json` and return what it says.

    Raises:
        ApplyFailed: The CLI failed; the message is its diagnostics without the decoration.
    """
    done = _call(*arguments, "--json", "--non-interactive", "--stack", node)
    answer = _json(done.stdout)
    if done.returncode or answer is None:
        told = [
            each["message"]
            for each in (answer or {}).get("diagnostics", ())
            if each.get("severity") == "error"
        ]
        raise ApplyFailed(reason("\n".join(told) or done.stderr or done.stdout))
    return answer


def export(node: str) -> dict[str, Any]:
    """Return the state of the node's stack, secrets still encrypted.

    Raises:
        ApplyFailed: The stack does not exist or cannot be read.
    """
    done = _call("stack", "export", "--stack", node)
    answer = _json(done.stdout)
    if done.returncode or answer is None:
        raise ApplyFailed(f"{node}: the state cannot be read: {reason(done.stderr)}")
    return answer


def quietly(*arguments: str, node: str) -> None:
    """Run the CLI without its output.

    Raises:
        ApplyFailed: It failed; the message is its diagnostics without the decoration.
    """
    done = _call(*arguments, "--non-interactive", "--stack", node)
    if done.returncode:
        raise ApplyFailed(reason(done.stdout + done.stderr))


def reason(text: str) -> str:
    """Return what went wrong without colours, source lines and Pulumi's own frame."""
    plain = re.sub(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m", "", text)
    lines = [line.rstrip() for line in plain.splitlines() if line.strip()]
    kept = [line.removeprefix("error: ") for line in lines if not _FRAME.search(line)]
    return "\n".join(kept) or "no reason given"


_FRAME = re.compile(
    r"^(Diagnostics|Previewing|Updating|Resources|Duration)\b|an unhandled error occurred"
    r"|Program exited with non-zero|Program failed with"
)


def _call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_program(), *arguments],
        cwd=house.root(),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def _program() -> str:
    found = shutil.which("pulumi", path=environment()["PATH"])
    if found is None:
        raise Misuse("the Pulumi CLI is not installed; run `make setup`, which takes or builds it")
    return found


def _json(text: str) -> dict[str, Any] | None:
    try:
        answer = json.loads(text)
    except json.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def _known(node: str) -> bool:
    """Return whether the stack surely exists; only a local backend can be asked for free."""
    folder = locks.local_backend()
    return bool(folder and (folder / "stacks" / PROJECT / f"{node}.json").is_file())
