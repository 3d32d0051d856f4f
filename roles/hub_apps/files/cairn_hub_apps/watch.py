"""Says again and again what a server knows of its runs.

`-m cairn_hub_apps.watch SERVER SECONDS PATIENCE`, with a Python that has Flower. Each answer is a
line. It goes on until it is ended, or has waited for an answer longer than that many seconds.
"""

from __future__ import annotations

import json
import signal
import sys
import time

from cairn_hub_apps.asking import asked


def main(server: str, seconds: str, patience: str) -> None:
    """Ask until the server does not answer; the last line is its reason then."""
    # The kernel ends the process: Flower's waiting does not come back to Python.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    while True:
        signal.alarm(int(patience))
        sys.stdout.write(json.dumps(asked("ls", server)) + "\n")
        sys.stdout.flush()
        time.sleep(float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
