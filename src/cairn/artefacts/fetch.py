"""Fills the cache: programs are built by `tools/build-NAME`, wheels are fetched by pip, by hash.

Run as `python -m cairn.artefacts.fetch`, which is what `make setup` does; what is there is kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cairn import house
from cairn.artefacts import packs
from cairn.artefacts.cache import digest_of, place_of
from cairn.artefacts.lock import artefacts
from cairn.errors import CairnError, Misuse

if TYPE_CHECKING:
    from cairn.artefacts.lock import Artefact


def fetch_missing() -> None:
    """Bring every artefact of the lock into the cache.

    Raises:
        Misuse: One cannot be had, or is not what the lock says.
    """
    for artefact in artefacts().values():
        if not place_of(artefact).is_file():
            _keep(artefact, _had(artefact))


def _had(artefact: Artefact) -> Path:
    """Return a new file of an artefact, in a folder that is the file's alone."""
    if artefact.is_wheel:
        return _fetch(artefact)
    return packs.pack(artefact.name) if artefact.is_pack else _build(artefact)


def _build(artefact: Artefact) -> Path:
    """Build a program with the script of its name, which knows how to do it once and whole."""
    folder = house.cache() / "tools" / f"{artefact.name}-{artefact.version}"
    script = house.root() / "tools" / f"build-{artefact.name}"
    if subprocess.run([script, folder], check=False).returncode != 0:
        raise Misuse(f"{artefact.name} {artefact.version} was not built, for the reason above")
    return folder / "bin" / artefact.file


def _fetch(artefact: Artefact) -> Path:
    """Fetch a wheel with the user's own settings of pip: index, proxy, certificates."""
    folder = Path(tempfile.mkdtemp(prefix="cairn-wheel-"))
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{artefact.name}=={artefact.version} --hash=sha256:{artefact.sha256}\n")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download"]
    strict = ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
    line = [*pip, *strict, *_tags(artefact.file), "--dest", str(folder), "-r", str(wanted)]
    if subprocess.run(line, check=False).returncode != 0:
        raise Misuse(f"pip did not fetch {artefact.file}; it reads your own pip configuration")
    return folder / artefact.file


def _tags(file: str) -> list[str]:
    """Return for which Python and machine a wheel is (PEP 427), that of a host and not of here."""
    python, abi, platforms = file.removesuffix(".whl").split("-")[-3:]
    if (abi, platforms) == ("none", "any"):
        return []
    version = python.split(".")[0].removeprefix("cp").removeprefix("py")
    chosen = [word for each in platforms.split(".") for word in ("--platform", each)]
    return ["--implementation", python[:2], "--python-version", version, "--abi", abi, *chosen]


def _keep(artefact: Artefact, file: Path) -> None:
    """Move a file to its place, whole, if it is what the lock says.

    Raises:
        Misuse: It has other bytes; a wheel never comes here, because pip has looked already.
    """
    digest = digest_of(file)
    if digest != artefact.sha256:
        shutil.rmtree(file.parent if artefact.is_fetched else file.parent.parent)
        raise Misuse(
            f"{artefact.name} {artefact.version} came out with SHA-256 {digest}, the lock says "
            f"{artefact.sha256}; see docs/runbooks/artefact-missing.md"
        )
    place = place_of(artefact)
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    shutil.copyfile(file, draft)
    draft.replace(place)
    if artefact.is_fetched:
        shutil.rmtree(file.parent)


def main() -> None:
    """Fill the cache and end with the code of what went wrong."""
    try:
        fetch_missing()
    except CairnError as error:
        print(f"cairn: {error}", file=sys.stderr)  # noqa: T201 - the script's own voice
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    main()
