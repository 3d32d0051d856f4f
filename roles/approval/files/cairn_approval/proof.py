"""Tries on the live host what the cell, the list and the gate are for, and says what came of it.

`python -m cairn_approval.proof` as root; prints one JSON map of word to `[holds, sentence]`. Each
trial is made as the user that runs tasks. Nothing is written into the account.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cairn_account.refusal import Refused
from cairn_approval import approvals

if TYPE_CHECKING:
    from collections.abc import Callable

USER: Final = "cairn-fl-agent"
UNIT: Final = f"{USER}.service"
PROGRAM: Final = Path("/usr/local/libexec/cairn/approval/bin/flwr-clientapp")
#: Found in the cell in place of the program that runs apps.
TRIED: Final = Path(__file__).with_name("tried.py")
#: Least that a trial is given.
LIMITS: Final = {"cores": 1, "memory": 2**29, "processes": 32, "seconds": 20, "answer": 65536}

#: Settings of its unit that decide what a cell can be made of, systemd.exec(5).
SHUT_IN: Final = (
    *("AmbientCapabilities", "CapabilityBoundingSet", "IPAddressAllow", "IPAddressDeny"),
    *("LockPersonality", "NoNewPrivileges", "PrivateDevices", "PrivateTmp", "ProtectClock"),
    *("ProtectControlGroups", "ProtectHome", "ProtectHostname", "ProtectKernelLogs"),
    *("ProtectKernelModules", "ProtectKernelTunables", "ProtectProc", "ProtectSystem"),
    *("RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID"),
    *("SystemCallArchitectures", "SystemCallErrorNumber", "SystemCallFilter", "UMask"),
)

Verdict = tuple[bool, str]


def main(arguments: list[str]) -> int:
    """Make all trials as root, or with a word the one of that name as the agent's user."""
    trials: dict[str, Callable[[], Verdict]] = {"stranger": stranger, "gate": gate}
    if arguments:
        found = {arguments[0]: trials[arguments[0]]()} if arguments[0] in trials else cell()
    else:
        found = {"list": listed(), "program": first()}
        for word in (*trials, "cell"):
            found |= _as_agent(word)
    print(json.dumps(found))  # noqa: T201 - the answer
    return 0


def listed() -> Verdict:
    """Whether the list of approved apps is root's alone to write, and the folder with it."""
    for path in (approvals.FOLDER, approvals.FOLDER / approvals.LIST):
        if path.exists() and (path.stat().st_uid != 0 or path.stat().st_mode & 0o022):
            return False, f"{path} is not root's alone to write"
    return True, f"{approvals.FOLDER / approvals.LIST} is root's alone to write"


def first() -> Verdict:
    """Whether the unit that runs tasks finds the program of the role before any other."""
    asked = ["/usr/bin/systemctl", "show", "--property=Environment", "--value", UNIT]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    paths = [word[5:] for word in told.split() if word.startswith("PATH=")]
    path = paths[-1] if paths else "/usr/local/bin:/usr/bin:/bin"
    places = [Path(one) / PROGRAM.name for one in path.split(":")]
    found = next((one for one in places if one.exists()), None)
    if found != PROGRAM or found.stat().st_uid != 0 or found.stat().st_mode & 0o022:
        return False, f"{UNIT} starts {found or 'nothing'} for a task"
    return True, f"{UNIT} starts {found} for a task"


def stranger() -> Verdict:
    """Whether an app of which nobody has heard is refused."""
    app = secrets.token_hex(32)
    try:
        approvals.granted(app, today=datetime.now(UTC).date())
    except Refused as refusal:
        return "has not approved" in str(refusal), str(refusal).replace(app, f"{app[:8]}...")
    return False, "an app that nobody approved is let in"


def gate() -> Verdict:
    """Whether what must not leave is refused."""
    import numpy as np  # noqa: PLC0415 - Flower's Python has them
    from flwr.app import ArrayRecord, ConfigRecord, RecordDict  # noqa: PLC0415

    from cairn_approval import output  # noqa: PLC0415

    rules = {"types": ["numpy", "json"], "secure_aggregation": False}
    asked = RecordDict({"arrays": ArrayRecord([np.zeros(3)])})
    wrong = {
        "NaN": {"arrays": ArrayRecord([np.full(3, np.nan)])},
        "another shape": {"arrays": ArrayRecord([np.zeros(4)])},
        "bytes": {"image": ConfigRecord({"pixels": b"x"})},
    }
    for name, content in wrong.items():
        try:
            output.judge(RecordDict(content), asked, rules)
        except Refused:
            continue
        return False, f"a reply with {name} may leave"
    output.judge(asked, asked, rules)
    return True, f"a reply with {', '.join(wrong)} is refused, and a sound one leaves"


def cell() -> dict[str, Verdict]:
    """Try from within a cell what an app must not be able to do."""
    from cairn_approval.cell import Visit, answer  # noqa: PLC0415 - as the agent's user

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        (data / "one.dcm").write_bytes(b"DICM")
        visit = Visit({}, "proof", data, LIMITS, inside=TRIED)
        try:
            told: dict[str, Verdict] = json.loads(answer(visit))
        except (Refused, ValueError) as error:
            return {"network": (False, f"no cell can be tried: {error}")}
    return told


def _as_agent(word: str) -> dict[str, Verdict]:
    """Make a trial as the agent's user, shut in as the unit that runs tasks is."""
    unit = [f"--property={one}" for one in _shut_in()]
    done = subprocess.run(
        ["/usr/bin/systemd-run", "--quiet", "--wait", "--pipe", "--collect", f"--uid={USER}", *unit,
         "--setenv=PYTHONPATH=/usr/local/lib/cairn", "--setenv=FLWR_TELEMETRY_ENABLED=0",
         "--", sys.executable, "-B", "-m", "cairn_approval.proof", word],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        told: dict[str, Verdict] = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        told = {word: (False, f"cannot be tried: {last[:200]}")}
    return told


def _shut_in() -> list[str]:
    """Return the settings that shut the unit in, as systemd has them now."""
    asked = ["/usr/bin/systemctl", "show", f"--property={','.join(SHUT_IN)}", UNIT]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return told.splitlines()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
