"""Flower's command line on this hub, as root; an answer counts only if it says `success`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cairn_account.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Generator

PYTHON: Final = "/opt/cairn/flower/bin/python"
PROGRAM: Final = "/opt/cairn/flower/bin/flwr"
HOME: Final = "/etc/cairn/fl-hub"
#: As config.toml of that folder calls the server.
SERVER: Final = "hub"
START: Final = ("-m", "cairn_hub_apps.start")
WATCH: Final = ("-m", "cairn_hub_apps.watch")
#: Seconds between two looks at a run.
OFTEN: Final = 2
PATIENCE: Final = 120
#: States of a run in which nothing more happens.
OVER: Final = "finished:"
#: What stands for a run that the server no longer knows, as with a new database.
LOST: Final[dict[str, Any]] = {
    "status": f"{OVER}lost",
    "status-details": "the server does not know this run any more",
    "network-traffic": {"inbound-bytes": 0, "outbound-bytes": 0},
}


def start(app: str, settings: list[str], least: int) -> tuple[str, int]:
    """Start a run of exactly these bytes where enough nodes answer right now.

    Returns:
        Its number, empty where they are too few, and how many they are.

    Raises:
        Refused: The server does not take it.
    """
    words = [word for one in settings for word in ("--run-config", one)]
    told = _asked([PYTHON, "-B", *START, app, SERVER, str(least), *words])
    return str(told.get("run-id", "")), int(told["sites"])


def states(number: str) -> Generator[dict[str, Any], None, None]:
    """Yield again and again the server's own words on a run; of one that it has lost, that it has.

    Raises:
        Refused: The server does not answer any more.
    """
    why = ""
    with subprocess.Popen(
        [PYTHON, "-B", *WATCH, SERVER, str(OFTEN), str(PATIENCE)],
        env=_environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as child:  # fmt: skip
        try:
            for line in child.stdout or ():
                if not line.startswith("{"):
                    why = line.strip() or why
                    continue
                why = ""
                rows = _judged(json.loads(line))["runs"]
                yield next((one for one in rows if one["run-id"] == number), LOST)
        finally:
            child.kill()
    raise Refused(f"Flower's server gives no answer: {why[:200] or f'none in {PATIENCE} s'}")


def stop(number: str) -> None:
    """Stop a run."""
    _asked([PROGRAM, "stop", number, SERVER, "--format", "json"])


def _asked(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        command, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False, timeout=PATIENCE,
    )  # fmt: skip
    try:
        # Flower prints notes of its own before the answer.
        told = json.loads(done.stdout[done.stdout.index("{") :])
    except ValueError:
        last = (done.stderr.strip().splitlines() or done.stdout.strip().splitlines() or ["?"])[-1]
        raise Refused(f"Flower's server gives no answer: {last[:200]}") from None
    return _judged(told)


def _judged(told: dict[str, Any]) -> dict[str, Any]:
    """Return an answer that says `success`.

    Raises:
        Refused: It does not.
    """
    if not told.get("success"):
        why = " ".join(str(told.get("error-message", told)).split())
        raise Refused(f"Flower's server refuses: {why[:300]}")
    return told


def _environment() -> dict[str, str]:
    return {
        "FLWR_HOME": HOME,
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }
