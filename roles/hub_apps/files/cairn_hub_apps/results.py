"""What came of a run: on the disk at first, then in the bucket of the hub where it has one.

The copy on the disk goes once the bucket was read back and gave the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any, Final

from cairn_account.refusal import Refused
from cairn_hub_apps.bucket import Bucket

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

#: In the folder of a run: that its results are in the bucket, with the digest of each.
STORED: Final = "stored.json"


def bucket_of(settings: dict[str, Any]) -> Bucket | None:
    """Return the bucket for results; None where the hub has no storage."""
    place = settings.get("storage")
    return Bucket(place) if place else None


def stored(folder: Path) -> dict[str, Any] | None:
    """Return `bucket` and `files` of a run whose results are in a bucket."""
    try:
        found: dict[str, Any] = json.loads((folder / STORED).read_bytes())
    except FileNotFoundError:
        return None
    return found


def put(folder: Path, names: Iterable[str], bucket: Bucket) -> None:
    """Put the results of a run into the bucket, and take them from the disk; again is the same.

    Args:
        folder: The folder of the run, of which the name is its number.
        names: Its results.
        bucket: Where they go, under the number of the run.

    Raises:
        Refused: The storage does not take them, or gives other bytes back; the disk keeps them.
    """
    if stored(folder) is None:
        files = {name: _put(folder, name, bucket) for name in names}
        fresh = folder / f".{STORED}"
        fresh.write_text(json.dumps({"bucket": bucket.name, "files": files}), "utf-8")
        # The storage is on this host, and what it holds in memory would not outlast a power cut.
        os.sync()
        fresh.replace(folder / STORED)
    for name in names:
        (folder / name).unlink(missing_ok=True)


def _put(folder: Path, name: str, bucket: Bucket) -> dict[str, Any]:
    file, key = folder / name, f"{folder.name}/{name}"
    with file.open("rb") as data:
        wanted = hashlib.file_digest(data, "sha256").hexdigest()
    if bucket.digest(key) != wanted:
        bucket.put(key, file, wanted)
        if bucket.digest(key) != wanted:
            raise Refused(f"the storage gives other bytes of {key} back; {file} stays")
    return {"sha256": wanted, "bytes": file.stat().st_size}


def size(folder: Path, name: str) -> int:
    """Return the size of a result in bytes, wherever it is."""
    told = stored(folder)
    return int(told["files"][name]["bytes"]) if told else (folder / name).stat().st_size


def read(folder: Path, name: str, bucket: Bucket | None) -> bytes:
    """Return a result of a run, from the bucket or from the disk.

    Raises:
        Refused: It is in a bucket that the hub has no more, or has other bytes there.
    """
    told = stored(folder)
    if told is None:
        return (folder / name).read_bytes()
    if bucket is None:
        raise Refused(
            f"the results of run {folder.name} are in the bucket `{told['bucket']}`, and the hub "
            "has no storage any more; declare it in the spec again"
        )
    data = bucket.read(f"{folder.name}/{name}")
    if hashlib.sha256(data).hexdigest() != told["files"][name]["sha256"]:
        raise Refused(f"{name} of run {folder.name} was changed in the bucket; look who did it")
    return data


def looked_at(folders: Iterable[Path], bucket: Bucket) -> Iterator[dict[str, Any]]:
    """Say of each run whether its results are in the bucket, and whole.

    Every object is asked for its size, those of the last run also for their bytes.

    Raises:
        Refused: The storage does not answer.
    """
    sizes, newest = bucket.sizes(), True
    for folder in folders:
        told = stored(folder)
        if told is None:
            why = "the results wait on the disk"
        else:
            why = _wrong(folder.name, told["files"], bucket if newest else None, sizes)
            newest = False
        yield {"run": folder.name, "sound": not why, "why": why}


def _wrong(run: str, files: dict[str, Any], bucket: Bucket | None, sizes: dict[str, int]) -> str:
    for name, wanted in files.items():
        key = f"{run}/{name}"
        if sizes.get(key) != wanted["bytes"]:
            return f"{key} is missing or has another size"
        if bucket is not None and bucket.digest(key) != wanted["sha256"]:
            return f"{key} has other bytes"
    return ""
