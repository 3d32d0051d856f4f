"""Where everything stands: the checkout, its private folder, and the cache of the computer.

Run as `python -m cairn.house` it prints the environment of the Pulumi CLI as `export` lines,
which is what the activation of the virtual environment uses.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import secrets
import shlex
import tempfile
from pathlib import Path

from cairn.errors import Misuse

#: A folder is a checkout when this file lies in it.
LANDMARK = "Pulumi.yaml"


def root() -> Path:
    """Return the checkout: `CAIRN_HOME`, or the folder that this package is installed from."""
    return _resolved(os.environ.get("CAIRN_HOME", ""))


@functools.cache
def _resolved(named: str) -> Path:
    return Path(named).resolve() if named else Path(__file__).resolve().parents[2]


def private() -> Path:
    """Return `.cairn`, made with mode 0700: state, logs and pinned keys of this checkout."""
    folder = root() / ".cairn"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def cache() -> Path:
    """Return the cache that all checkouts of a user share: programs, base images, packages."""
    above = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(above) / "cairn"


def checkout_id() -> str:
    """Return 8 hex digits that tell this checkout from the others on the same computer."""
    return hashlib.sha256(str(root()).encode()).hexdigest()[:8]


def pulumi_environment() -> dict[str, str]:
    """Return what the Pulumi CLI must find in its environment: own home, own state, no network.

    A value that the caller has set already wins, so that a consortium can keep its state in
    `s3://` or `postgres://` and its passphrase in a vault. What the activation of another
    checkout has set (it lists it in CAIRN_ACTIVATED) is not the caller's.
    """
    folder = private()
    defaults = {
        "PULUMI_HOME": str(folder / "pulumi-home"),
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(folder / "passphrase"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        "PULUMI_DISABLE_CI_DETECTION": "1",
        "PULUMI_SUPPRESS_NEO_LINK": "true",
    }
    if "PULUMI_CONFIG_PASSPHRASE" in os.environ:
        del defaults["PULUMI_CONFIG_PASSPHRASE_FILE"]
    foreign = _set_by_another_checkout()
    return {
        name: value if name in foreign else os.environ.get(name, value)
        for name, value in defaults.items()
    }


def prepare_state() -> None:
    """Make the folders of the local state and, once, the passphrase that encrypts secrets in it.

    Raises:
        Misuse: There is a state, and the passphrase that it was written with is gone.
    """
    folder = private()
    for name in ("state", "stacks", "pulumi-home", "runs"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    passphrase = folder / "passphrase"
    if passphrase.exists():
        return
    if any((folder / "state").glob(".pulumi/stacks/*/*.json")):
        raise Misuse(
            f"{passphrase} is gone and the state beside it can only be read with it; "
            "put it back from your backup, or move the state away to begin anew"
        )
    _write_once(passphrase, secrets.token_urlsafe(32))


def _write_once(file: Path, text: str) -> None:
    """Write a file of the owner's only, complete or not at all; one that is there stays."""
    with tempfile.NamedTemporaryFile("w", dir=file.parent) as draft:
        draft.write(text)
        draft.flush()
        with contextlib.suppress(FileExistsError):
            os.link(draft.name, file)


def _set_by_another_checkout() -> set[str]:
    active = os.environ.get("VIRTUAL_ENV")
    if active is None or Path(active).resolve() == (root() / ".venv").resolve():
        return set()
    return set(os.environ.get("CAIRN_ACTIVATED", "").split())


def _print_environment() -> None:
    for name, value in pulumi_environment().items():
        print(f"export {name}={shlex.quote(value)}")  # noqa: T201 - printing is what it is for


if __name__ == "__main__":
    _print_environment()
