"""The copy of a data set that an app may see: from the storage of the node, byte for byte.

    python3 -m cairn_approval.copies DATASET    prints where the newest version lies, as JSON

Runs with Debian's Python, which has boto3. The copy is made once for each version and kept while
tasks follow one another; `cairn_approval.tidy` deletes it an hour after the last one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from cairn_account.refusal import Refused
from cairn_approval import approvals, holding
from cairn_freeze import manifest as manifests
from cairn_freeze.refusal import Refused as NotFrozen
from cairn_freeze.storage import Storage, client, credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cairn_freeze.manifest import Entry

SIDE_BY_SIDE: Final = 4


def newest(dataset: str, storage: Storage) -> dict[str, Any]:
    """Have the newest version of a data set on the disk and say where.

    Returns:
        `folder`, `manifest` (its digest), `version` and `objects`.

    Raises:
        Refused: Nothing is frozen, or bytes differ from the manifest.
    """
    every = storage.manifests()
    if not every:
        raise Refused(f"nothing was frozen into data set {dataset} yet; `cairn dataset freeze`")
    last = every[-1]
    folder = holding.COPIES / dataset / manifests.digest(last).removeprefix("sha256:")
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with holding.making(dataset):
        if not folder.is_dir():
            _fetch(manifests.entries(last), storage, folder)
        # The newest version is the one that was used last; `cairn_approval.tidy` goes by it.
        os.utime(folder)
    return {
        "folder": str(folder),
        "manifest": manifests.digest(last),
        "version": last["version"],
        "objects": len(last["objects"]),
    }


def _fetch(entries: tuple[Entry, ...], storage: Storage, folder: Path) -> None:
    fresh = folder.with_name(f"{folder.name}.new")
    if fresh.exists():  # a copy that was cut short
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for _ in pool.map(lambda entry: _copy(entry, storage, fresh), entries):
            pass
    fresh.replace(folder)


def _copy(entry: Entry, storage: Storage, folder: Path) -> None:
    name = PurePosixPath(entry.key)
    if name.is_absolute() or ".." in name.parts:
        raise Refused("a manifest names an object outside of its data set; look who wrote it")
    data = storage.read(entry.key)
    if len(data) != entry.size or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise Refused("an object differs from its manifest; run `cairn dataset verify`")
    file = folder / name
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_bytes(data)
    file.chmod(0o400)


def opened(rules: Mapping[str, Any], dataset: str) -> Storage:
    """Return the bucket of a data set, as the agent's user of the storage sees it."""
    place = rules["storage"]
    if place is None:
        raise Refused("this host has no storage with frozen data sets; an app has no data here")
    try:
        access = credentials(Path(place["credentials"]).read_text("utf-8"))
    except OSError as error:
        raise Refused(f"the storage's credentials cannot be read: {error.strerror}") from None
    return Storage(dataset, client(place["url"], place["authority"], access))


def main(dataset: str) -> int:
    """Print where the newest version lies, or why it cannot be had."""
    try:
        told = newest(dataset, opened(approvals.rules(), dataset))
    except (Refused, NotFrozen) as refusal:
        told = {"refused": str(refusal)}
    print(json.dumps(told))  # noqa: T201 - the answer
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
