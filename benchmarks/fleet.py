"""How fast a fleet is planned and rendered, and how little of it one change touches.

Run as `python benchmarks/fleet.py [NODES] [--peer]`. With `--peer`, `nvflare provision` makes
start-up kits for as many sites in the same run, from a virtual environment of its own that is
installed for the occasion (the package index must be reachable) and removed again.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cairn import house
from cairn.plan.context import Place
from cairn.plan.derive import derive
from cairn.render.files import render_plan
from cairn.spec.loader import load

EXAMPLE = "demo-hospital-a"
PEER = "nvflare==2.9.0"


def main(count: int, *, peer: bool) -> None:
    """Plan and render `count` nodes, change one, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        specs = fleet(Path(folder), count)
        begun = time.perf_counter()
        files = {path: rendered(path) for path in specs}
        whole = time.perf_counter() - begun

        changed = specs[count // 2]
        changed.write_text(changed.read_text().replace("soc@", "incidents@"))
        begun = time.perf_counter()
        after = {**files, changed: rendered(changed)}
        one = time.perf_counter() - begun
        differ = [path for path in specs if after[path] != files[path]]
        lines = sum(len(each) for each in files.values())
        print(f"{count} nodes, {lines} files; one node changed, {len(differ)} node differs")
        if differ != [changed]:
            sys.exit("the change of one node touched the files of another")
        rows = [("Cairn: load, plan, render all", whole), ("Cairn: one of them changed", one)]
        if peer:
            rows += nvflare(Path(folder), count)
    print(f"{'':<46}{'seconds':>9}{'ratio':>9}")
    for name, took in rows:
        print(f"{name:<46}{took:>9.3f}{took / whole:>9.2f}")


def rendered(path: Path) -> dict[tuple[str, str], str]:
    """Load, plan and render one node: the digest of each file by host and path."""
    document = load(path)
    places = {host.name: Place("192.0.2.1", "cairn-admin") for host in document.spec.hosts}
    plan = derive(document, places)
    return {(placed.host, placed.file.path): placed.file.digest for placed in render_plan(plan)}


def fleet(folder: Path, count: int) -> list[Path]:
    """Write copies of an example under names and addresses of their own."""
    nodes = house.root() / "nodes"
    text = (nodes / f"{EXAMPLE}.yaml").read_text()
    shutil.copy(nodes / "demo.federation.json", folder)
    paths = []
    for number in range(count):
        address = f"198.18.{number // 250}.{number % 250 + 1}"
        mine = text.replace(f"name: {EXAMPLE}", f"name: site-{number}")
        mine = re.sub(r"machine: sandbox\b", f"machine: {{existing: {address}}}", mine)
        path = folder / f"site-{number}.yaml"
        path.write_text(mine)
        paths.append(path)
    return paths


def nvflare(folder: Path, count: int) -> list[tuple[str, float]]:
    """Time `nvflare provision` for as many sites, and again with one site more."""
    environment = folder / "peer"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    subprocess.run([environment / "bin" / "pip", "install", "--quiet", PEER], check=True)
    program = str(environment / "bin" / "nvflare")
    (folder / "project.yml").write_text(_project(count))
    (folder / "more.yml").write_text(f"name: site-{count}\norg: example\ntype: client\n")
    first = [program, "provision", "-p", "project.yml", "-w", "kits"]
    again = [*first, "--add-client", "more.yml", "--force"]
    return [
        (f"nvflare provision: {count} sites", _seconds(first, folder)),
        ("nvflare provision: one site more", _seconds(again, folder)),
    ]


def _seconds(command: list[str], folder: Path) -> float:
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command}: {done.stdout[-800:]}{done.stderr[-800:]}")
    return time.perf_counter() - begun


def _project(count: int) -> str:
    """Return a project file in the form that the peer's own examples have."""
    builder = "nvflare.lighter.impl"
    sites = "".join(
        f"  - {{name: site-{number}, type: client, org: example}}\n" for number in range(count)
    )
    return (
        "api_version: 3\nname: fleet\nparticipants:\n"
        "  - {name: hub.example, type: server, org: example, fed_learn_port: 8002, "
        "admin_port: 8003}\n"
        "  - {name: admin@hub.example, type: admin, org: example, role: project_admin}\n"
        f"{sites}builders:\n"
        f"  - path: {builder}.workspace.WorkspaceBuilder\n"
        f"  - path: {builder}.static_file.StaticFileBuilder\n"
        "    args: {config_folder: config, overseer_agent: {path: "
        "nvflare.ha.dummy_overseer_agent.DummyOverseerAgent, overseer_exists: false, "
        'args: {sp_end_point: "hub.example:8002:8003"}}}\n'
        f"  - path: {builder}.cert.CertBuilder\n"
        f"  - path: {builder}.signature.SignatureBuilder\n"
    )


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    main(numbers[0] if numbers else 300, peer="--peer" in sys.argv)
