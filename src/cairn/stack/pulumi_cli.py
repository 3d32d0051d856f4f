"""Runs the Pulumi CLI for one node: the environment it needs, its stack, its errors in words."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from cairn import house
from cairn.errors import ApplyFailed, Misuse, Stopped
from cairn.stack import child, locks

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


def prepare(node: str) -> bool:
    """Make what a first run needs: state folder, passphrase, and the stack of the node.

    Returns:
        Whether a lock was broken that a process which is gone had left behind.

    Raises:
        ApplyFailed: The stack cannot be made.
    """
    house.prepare_state()
    if _known(node):
        return locks.release_dead(node, unlock)
    made = _call("stack", "init", f"organization/{PROJECT}/{node}", "--non-interactive", node=node)
    if made.status and "already exists" not in made.err:
        raise ApplyFailed(f"{node}: the stack cannot be made: {reason(made.err)}")
    return False


def require(node: str) -> bool:
    """Make sure that there is a stack of the node, as all verbs but the first `up` need one.

    Returns:
        Whether a lock was broken that a process which is gone had left behind.

    Raises:
        Misuse: Nothing was ever applied under this name.
    """
    require_known(node)
    return prepare(node)


def require_known(node: str) -> None:
    """Make sure that there is a stack of the node; a backend that is not local is not asked.

    Raises:
        Misuse: Nothing was ever applied under this name.
    """
    if not _is_name(node) or (locks.local_backend() is not None and not _known(node)):
        raise Misuse(f"there is no stack `{node}`: nothing was ever applied under this name")


def unlock(node: str) -> None:
    """Remove all locks of the node's stack.

    Raises:
        ApplyFailed: The backend refuses.
    """
    done = _call("cancel", "--yes", "--stack", node, node=node)
    if done.status:
        raise ApplyFailed(f"{node}: the stack cannot be unlocked: {reason(done.err)}")


def show(*arguments: str, node: str, also: dict[str, str] | None = None) -> int:
    """Run a change with the CLI's own output on the terminal and return its exit status.

    Args:
        arguments: Command and options, as in `up --yes`.
        node: The node whose stack it works on.
        also: More environment, for what the provider must know.

    Raises:
        ApplyFailed: Somebody else is at work on the node, or the CLI was killed.
        Stopped: Somebody asked for the end.
    """
    with locks.alone(node):
        done = child.run(
            [_program(), *arguments, "--stack", node],
            cwd=house.root(),
            environment={**environment(), **(also or {})},
            capture=False,
        )
    if done.status:
        _tell_end(node, done)
        locks.refuse(node)  # somebody else was faster by a moment
    return done.status


def ask(*arguments: str, node: str) -> dict[str, Any]:
    """Run the CLI with `--json` and return what it says.

    Raises:
        ApplyFailed: The CLI failed; the message is its diagnostics without the decoration.
    """
    done = _call(*arguments, "--json", "--non-interactive", "--stack", node, node=node)
    answer = _json(done.out)
    if done.status or answer is None:
        told = [
            each["message"]
            for each in (answer or {}).get("diagnostics", ())
            if each.get("severity") == "error"
        ]
        raise ApplyFailed(reason("\n".join(told) or done.err or done.out))
    return answer


def export(node: str) -> dict[str, Any]:
    """Return the state of the node's stack, secrets still encrypted.

    Raises:
        ApplyFailed: The stack does not exist or cannot be read.
    """
    done = _call("stack", "export", "--stack", node, node=node)
    answer = _json(done.out)
    if done.status or answer is None:
        raise ApplyFailed(f"{node}: the state cannot be read: {reason(done.err)}")
    return answer


def quietly(*arguments: str, node: str) -> None:
    """Run a change of the state without the CLI's output.

    Raises:
        ApplyFailed: Somebody else is at work on the node, or it failed; the message is the
            CLI's diagnostics without the decoration.
        Stopped: Somebody asked for the end.
    """
    with locks.alone(node):
        done = _call(*arguments, "--non-interactive", "--stack", node, node=node)
    if done.status:
        raise ApplyFailed(reason(done.out + done.err))


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


def _call(*arguments: str, node: str) -> child.Ended:
    done = child.run(
        [_program(), *arguments], cwd=house.root(), environment=environment(), capture=True
    )
    _tell_end(node, done)
    return done


def _tell_end(node: str, done: child.Ended) -> None:
    """Raise what an end from outside means; an end of its own says nothing here."""
    kept = "what was done is kept; run the same command again and it goes on"
    if done.stopped:
        raise Stopped(f"{node}: stopped; {kept}")
    if done.status < 0:
        raise ApplyFailed(f"{node}: the Pulumi CLI was killed (signal {-done.status}); {kept}")


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


def _is_name(node: str) -> bool:
    """Return whether a stack may be called so; `..` and slashes would lead out of the state."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", node) is not None


def _known(node: str) -> bool:
    """Return whether the stack surely exists; only a local backend can be asked for free."""
    folder = locks.local_backend()
    return bool(folder and (folder / "stacks" / PROJECT / f"{node}.json").is_file())
