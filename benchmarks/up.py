"""What an `up` costs on a real sandbox host, beside a bare `pulumi up` of an empty stack.

Run as root: `python benchmarks/up.py [NODE]`. A house of its own (specs, state, sandbox network)
is made in a temporary folder and removed again. What Pulumi reports for the machine is taken off,
so that booting the host does not count as work of the roles.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cairn import house
from cairn.stack import pulumi_cli

LINKED = ("Pulumi.yaml", "stacks", "roles", "templates", "policies", "tools", ".venv", "src")
CAIRN = Path(sys.executable).parent / "cairn"
ROUNDS = 3


def main(node: str) -> None:
    """Bring a node up, up again, look for drift, take it away; print the table."""
    checkout = house.root()
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder)
        for name in LINKED:
            (own / name).symlink_to(checkout / name)
        shutil.copytree(checkout / "nodes", own / "nodes")
        # An activated environment would lead Pulumi to the state of this checkout.
        for name in [name for name in os.environ if name.startswith("PULUMI_")]:
            del os.environ[name]
        os.environ["CAIRN_HOME"] = str(own)
        try:
            rows = measured(node)
        finally:
            subprocess.run([CAIRN, "sandbox", "remove", "--all", "--delete-data", node], check=True)
        print(f"{'':<52}{'seconds':>9}")
        for name, seconds in rows:
            print(f"{name:<52}{seconds:>9.1f}")


def measured(node: str) -> list[tuple[str, float]]:
    """Return what each step took, best of some rounds where it can be repeated."""
    cairn("sandbox", "prepare")
    first = cairn("up", node, "--yes")
    refreshed = first - machine_seconds()
    unchanged = min(cairn("up", node, "--yes") for _ in range(ROUNDS))
    bare = min(bare_up() for _ in range(ROUNDS))
    drift = min(cairn("drift", node) for _ in range(ROUNDS))
    return [
        ("cairn up, fresh host, all of it", first),
        ("  of which base, trust, firewall and the proof", refreshed),
        ("cairn up, unchanged", unchanged),
        ("pulumi up of an empty stack", bare),
        ("  difference", unchanged - bare),
        ("cairn drift: every role in check mode", drift),
    ]


def cairn(*arguments: str) -> float:
    """Run a verb and return its seconds; end the benchmark if it fails."""
    begun = time.perf_counter()
    done = subprocess.run([CAIRN, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"cairn {' '.join(arguments)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    if arguments[0] == "up":
        MACHINE[:] = re.findall(r"imaging-1-machine created \((\d+)s\)", done.stdout)
    return time.perf_counter() - begun


#: Seconds that Pulumi reports for the machine of the last `up`.
MACHINE: list[str] = []


def machine_seconds() -> float:
    """Return how long making the machine took in the last `up`."""
    return float(MACHINE[0]) if MACHINE else 0.0


def bare_up() -> float:
    """Time `pulumi up` of a program that makes nothing, preview included as Pulumi does it."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "Pulumi.yaml").write_text("name: empty\nruntime: python\n")
        (project / "__main__.py").write_text("")
        (project / "state").mkdir()
        environment = {
            **pulumi_cli.environment(),
            "PULUMI_BACKEND_URL": f"file://{project}/state",
            "PULUMI_CONFIG_PASSPHRASE": "benchmark",
        }
        environment.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
        pulumi(project, environment, "stack", "init", "empty")
        pulumi(project, environment, "up", "--yes", "--stack", "empty")
        return pulumi(project, environment, "up", "--yes", "--stack", "empty")


def pulumi(project: Path, environment: dict[str, str], *arguments: str) -> float:
    """Run the CLI in a project and return its seconds."""
    begun = time.perf_counter()
    command = [str(CAIRN.with_name("pulumi")), *arguments]
    subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "demo-hospital-a")
