"""Where everything stands: the checkout, its private folder, and the cache of the computer.

Run as `python -m cairn.house` it prints the environment of the Pulumi CLI as `export` lines,
which is what the activation of the virtual environment uses.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shlex
from pathlib import Path

#: A folder is a checkout when this file lies in it.
LANDMARK = "Pulumi.yaml"


def root() -> Path:
    """Return the checkout: `CAIRN_HOME`, or the folder that this package is installed from."""
    named = os.environ.get("CAIRN_HOME")
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
    `s3://` or `postgres://` and its passphrase in a vault.
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
    return {name: os.environ.get(name, value) for name, value in defaults.items()}


def prepare_state() -> None:
    """Make the folders of the local state and, once, the passphrase that encrypts secrets in it."""
    folder = private()
    for name in ("state", "pulumi-home", "runs"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    passphrase = folder / "passphrase"
    if not passphrase.exists():
        descriptor = os.open(passphrase, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))


def _print_environment() -> None:
    for name, value in pulumi_environment().items():
        print(f"export {name}={shlex.quote(value)}")  # noqa: T201 - printing is what it is for


if __name__ == "__main__":
    _print_environment()
