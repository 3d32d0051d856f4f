"""Says again and again what a server knows of its runs: `watch.py SERVER SECONDS`.

Each answer is a line. Runs with a Python that has Flower: to import it takes a core more than a
second, which each look at a run would take away from it; so one process asks until it is ended.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time

from flwr.cli.app import app


def main(server: str, seconds: str) -> None:
    """Ask until the server does not answer; the last line is its reason then."""
    while True:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            app(["ls", server, "--format", "json"], standalone_mode=False)
        # Flower prints notes of its own before the answer.
        text = said.getvalue()
        sys.stdout.write(json.dumps(json.loads(text[text.index("{") :])) + "\n")
        sys.stdout.flush()
        time.sleep(float(seconds))


main(*sys.argv[1:])
