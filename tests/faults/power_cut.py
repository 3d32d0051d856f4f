"""Cuts the power of a host while packages are being unpacked on it, and lets `up` finish.

usage: .venv/bin/python tests/faults/power_cut.py

Takes two to four minutes and root, so it does not run with the tests; what it printed is kept in
docs/verification/power-cut.txt. `test_interruptions.py` holds the same end with a made-up wreck.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from e2e.houses import House, house_in
from e2e.machines import Machine, init_of, start_machine

NODE = "cut"
AUDIT = "dpkg --audit; ls /var/lib/dpkg/updates"
UNPACKING = "until pgrep --exact dpkg >/dev/null; do sleep 0.05; done; sleep 0.7; pgrep -a dpkg"


def main() -> int:
    """Tell the story and return 0 if the second `up` ended well."""
    with house_in(Path(tempfile.mkdtemp(prefix="power-cut-"))) as house:
        machine = start_machine(house)
        house.write(machine.spec(NODE))
        cut_the_power(house, machine)
        house.cairn("sandbox", "start", "bare/machine")
        say("the host is started again; what dpkg says of its packages:", machine.says(AUDIT))
        second = house.start("up", NODE, "--yes").end()
        say(f"$ cairn up {NODE} --yes    # ends with {second.status}", tail(second.out))
        say("what dpkg says now (silence means that all is well):", machine.says(AUDIT))
        return second.status


def cut_the_power(house: House, machine: Machine) -> None:
    """Kill the host's whole container in the middle of an installation."""
    first = house.start("up", NODE, "--yes")
    first.wait_for("Install the packages")
    at_work = machine.says(f"timeout 120 sh -c '{UNPACKING}'")
    init_of(machine.host).kill()
    say("the power is cut while the host is at this:", at_work)
    said = first.end()
    say(f"$ cairn up {NODE} --yes    # ends with {said.status}", tail(said.out))


def say(heading: str, text: str) -> None:
    """Print a text under a heading."""
    sys.stdout.write(f"=== {heading}\n{text}\n\n")


def tail(text: str) -> str:
    """Return the last lines of a long output."""
    return "\n".join(["[...]", *text.splitlines()[-24:]])


if __name__ == "__main__":
    sys.exit(main())
