"""Prints the life of a node on a sandbox host: preview, up, a change, drift, repair, removal.

usage: .venv/bin/python tests/e2e/life_of_a_node.py

Takes three to five minutes and root. What it printed is kept in docs/verification/ for those who
want to read real answers; `test_sandbox_node.py` holds each of them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from e2e.houses import House, house_in
from e2e.specs import on_sandbox

NODE = "small"
#: Lines of Pulumi's progress, of which there are too many to read.
PROGRESS = ("@ ", " +  cairn:", " ~  cairn:", " -  cairn:")


def main() -> None:
    """Tell the story."""
    with house_in(Path(tempfile.mkdtemp(prefix="life-of-a-node-"))) as house:
        spec = on_sandbox(NODE)
        house.write(spec)
        show(house, "check", NODE)
        show(house, "up", NODE, "--yes")
        show(house, "up", NODE, "--yes")
        spec["site"]["contacts"]["security"] = "cert@institute.example"
        house.write(spec)
        say("# the contact for incidents is changed in the spec")
        show(house, "preview", NODE)
        show(house, "up", NODE, "--yes")
        by_hand = "echo by-hand | sudo tee -a /etc/issue.net; sudo systemctl stop cairn-flows.timer"
        house.host(NODE, "box").says(by_hand)
        say(f"# on the host, by hand: {by_hand}")
        show(house, "drift", NODE, status=5)
        show(house, "up", NODE, "--yes")
        show(house, "drift", NODE)
        show(house, "verify", NODE)
        show(house, "destroy", NODE, "--yes", "--delete-data", "smell", status=2)
        show(house, "destroy", NODE, "--yes")
        show(house, "sandbox", "list")
        show(house, "sandbox", "remove", "--all")
        say(f"# what the computer has of this sandbox: {sorted(house.trace()) or 'nothing'}")


def show(house: House, *arguments: str, status: int = 0) -> None:
    """Run a verb and print what it said, without the lines of progress."""
    said = house.cairn(*arguments, status=status)
    lines = [line for line in said.all.splitlines() if line and not line.startswith(PROGRESS)]
    say(f"$ cairn {' '.join(arguments)}    # ends with {said.status}", *lines)


def say(*lines: str) -> None:
    """Print lines and an empty one."""
    sys.stdout.write("\n".join([*lines, "", ""]))


if __name__ == "__main__":
    main()
