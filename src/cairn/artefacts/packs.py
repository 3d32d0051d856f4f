"""Packs of wheels: all that one program needs of an index, locked by hash, in one archive.

A pack `NAME-cpNNN` is for one Python. Its lock, `tools/wheels/NAME-cpNNN.txt`, names each package
once, with the hash of its one wheel; the archive holds these wheels and the lock, in an order, with
times and owners that depend on nothing, so that its digest follows from the lock alone.

Run as `python -m cairn.artefacts.packs lock|digest NAME`, which is what `tools/lock-wheels` does.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from cairn import house
from cairn.artefacts.cache import digest_of
from cairn.errors import CairnError, Misuse

#: Where the locks are, seen from the checkout.
FOLDER: Final = "tools/wheels"
#: The C library of Debian 12 is newer than these ask for (PEP 600), that of Debian 13 as well.
PLATFORMS: Final = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
#: As the lock is called inside the archive.
WANTED: Final = "wanted.txt"


def lock_of(name: str) -> Path:
    """Return the file that names the wheels of a pack."""
    return house.root() / FOLDER / f"{name}.txt"


def pack(name: str) -> Path:
    """Fetch the wheels of a pack by hash and return the archive, in a folder of its own.

    Raises:
        Misuse: There is no such lock, or pip cannot have a wheel with these bytes.
    """
    lock = lock_of(name)
    if not lock.is_file():
        raise Misuse(f"{FOLDER} has no {lock.name}; `tools/lock-wheels` writes it")
    folder = Path(tempfile.mkdtemp(prefix="cairn-wheels-"))
    try:
        _download(name, lock, folder / "wheels", "--require-hashes", "--no-deps")
        shutil.copyfile(lock, folder / "wheels" / WANTED)
        return _archive(folder / "wheels", folder / f"{name}.tar")
    finally:
        shutil.rmtree(folder / "wheels", ignore_errors=True)


def locked_lines(name: str, wanted: Path) -> list[str]:
    """Return the lock of a pack: each package that `wanted` names, with the hash of its wheel.

    Raises:
        Misuse: pip cannot have a wheel.
    """
    with tempfile.TemporaryDirectory(prefix="cairn-wheels-") as folder:
        _download(name, wanted, Path(folder), "--no-deps")
        return sorted(_line(wheel) for wheel in Path(folder).glob("*.whl"))


def _line(wheel: Path) -> str:
    """Return a requirement for exactly this file; its name begins with package and version."""
    package, version = wheel.name.split("-")[:2]
    return f"{package.lower().replace('_', '-')}=={version} --hash=sha256:{digest_of(wheel)}"


def _download(name: str, wanted: Path, folder: Path, *strict: str) -> None:
    """Have pip fetch with the user's own settings: index, proxy, certificates."""
    found = re.fullmatch(r".+-cp(\d)(\d+)", name)
    if found is None:
        raise Misuse(f"`{name}` does not end in a Python, as in `flower-cp313`")
    major, minor = found.groups()
    tags = ["--implementation", "cp", "--python-version", f"{major}.{minor}"]
    tags += [word for abi in (f"cp{major}{minor}", "abi3", "none") for word in ("--abi", abi)]
    tags += [word for each in (*PLATFORMS, "any") for word in ("--platform", each)]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download"]
    line = [*pip, *strict, "--only-binary", ":all:", *tags, "--dest", str(folder)]
    if subprocess.run([*line, "-r", str(wanted)], check=False).returncode != 0:
        raise Misuse(f"pip did not fetch the wheels of {name}; it reads your own pip configuration")


def _archive(folder: Path, target: Path) -> Path:
    """Write an archive whose bytes follow from the names and bytes of the files alone."""
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
        for file in sorted(folder.iterdir()):
            about = tarfile.TarInfo(file.name)
            about.size = file.stat().st_size
            with file.open("rb") as opened:
                archive.addfile(about, opened)
    return target


def main(words: list[str]) -> None:
    """Print the lock of a pack or the digest of its archive."""
    try:
        if words[0] == "lock":
            print(f"# Wheels of {words[1]}, each by hash. Written by `tools/lock-wheels`.")  # noqa: T201
            print(*locked_lines(words[1], Path(words[2])), sep="\n")  # noqa: T201
        else:
            made = pack(words[1])
            print(digest_of(made))  # noqa: T201 - the script's own voice
            shutil.rmtree(made.parent)
    except CairnError as error:
        print(f"cairn: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    main(sys.argv[1:])
