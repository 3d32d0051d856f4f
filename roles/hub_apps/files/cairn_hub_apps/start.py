"""Starts a run of exactly the bytes of a bundle: `start.py FAB SERVER [OPTIONS OF flwr run]`.

Runs with a Python that has Flower. `flwr run` bundles a folder anew, and the digest that sites
have approved must not depend on how; so the folder is unpacked and the bytes are handed on.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import zipfile
from pathlib import Path

from flwr.cli.app import app

# The package has a function of the same name.
running = importlib.import_module("flwr.cli.run.run")


def main(fab: str, server: str, *options: str) -> None:
    """Start a run."""
    data = Path(fab).read_bytes()
    vars(running)["build_fab_from_disk"] = lambda _: data
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(fab) as packed:
        for name in packed.namelist():
            if name.startswith("/") or ".." in name.split("/"):
                sys.exit(f"{name} lies outside of the app")
        packed.extractall(folder)
        sys.argv = ["flwr", "run", folder, server, *options]
        app()


main(*sys.argv[1:])
