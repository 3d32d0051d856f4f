"""Starts a run of exactly the bytes of a bundle, for a Python that has Flower.

`-m cairn_hub_apps.start FAB SERVER SITES [OPTIONS OF flwr run]` starts nothing where fewer sites
answer. `flwr run` bundles a folder anew, and the digest that sites have approved must not depend
on how; so the folder is unpacked and the bytes are handed on.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from cairn_hub_apps.asking import asked

# The package has a function of the same name.
running = importlib.import_module("flwr.cli.run.run")


def main(fab: str, server: str, least: str, *options: str) -> None:
    """Say how many sites answer, and start a run if they are enough."""
    told = asked("supernode", "list", server)
    sites = sum(one["status"] == "online" for one in told.get("nodes", ()))
    if told.get("success") and sites >= int(least):
        told = _started(fab, server, *options)
    sys.stdout.write(json.dumps({**told, "sites": sites}) + "\n")


def _started(fab: str, server: str, *options: str) -> dict[str, Any]:
    data = Path(fab).read_bytes()
    vars(running)["build_fab_from_disk"] = lambda _: data
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(fab) as packed:
        for name in packed.namelist():
            if name.startswith("/") or ".." in name.split("/"):
                sys.exit(f"{name} lies outside of the app")
        packed.extractall(folder)
        return asked("run", folder, server, *options)


if __name__ == "__main__":
    main(*sys.argv[1:])
