"""Says again and again what a server knows of its runs: `-m cairn_hub_apps.watch SERVER SECONDS`.

Each answer is a line. Runs with a Python that has Flower, until it is ended.
"""

from __future__ import annotations

import json
import sys
import time

from cairn_hub_apps.asking import asked


def main(server: str, seconds: str) -> None:
    """Ask until the server does not answer; the last line is its reason then."""
    while True:
        sys.stdout.write(json.dumps(asked("ls", server)) + "\n")
        sys.stdout.flush()
        time.sleep(float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
