"""Verify: every object of a version is read again and compared with its manifest."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from cairn_freeze import manifest
from cairn_freeze.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cairn_freeze.manifest import Manifest
    from cairn_freeze.storage import Storage

AT_ONCE: Final = 128


def chosen(every: Sequence[Manifest], version: int | None) -> Manifest:
    """Return one version, the newest if none is named.

    Raises:
        Refused: There is no such version.
    """
    for one in reversed(every):
        if version in {None, one["version"]}:
            return one
    told = f"it has no version {version}" if every else "nothing was frozen into it yet"
    raise Refused(f"{told}; see `cairn dataset list`")


def verify(
    storage: Storage,
    version: int | None,
    *,
    unfinished: frozenset[str],
    folder: Path,
    tell: Callable[[str, int, int], None],
) -> dict[str, Any]:
    """Read a version again and say in numbers what differs.

    Args:
        storage: The bucket.
        version: Which one; the newest if None.
        unfinished: Keys that a freeze which was cut short has stored already.
        folder: Where the keys of what differs are written; they hold pseudonyms.
        tell: Told of the progress.
    """
    every = storage.manifests()
    one = chosen(every, version)
    entries, missing, changed = manifest.entries(one), [], []
    for start in range(0, len(entries), AT_ONCE):
        some = entries[start : start + AT_ONCE]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda entry: storage.look(entry.key), some))
        missing += [want.key for want, has in zip(some, found, strict=True) if has is None]
        changed += [
            want.key for want, has in zip(some, found, strict=True) if has not in {None, want}
        ]
        tell("verifying", start + len(some), len(entries))
    listed = {entry.key for each in every for entry in manifest.entries(each)} | unfinished
    ours = {manifest.LATEST, *(manifest.name(each["version"]) for each in every)}
    unlisted = [key for key, _ in storage.listed() if key not in listed | ours]
    breaks = _breaks(every)
    if storage.read(manifest.LATEST) != manifest.written(every[-1]):
        breaks.append(every[-1]["version"])
    found_keys = {"missing": missing, "changed": changed, "unlisted": unlisted}
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "differences.json").write_text(json.dumps(found_keys), encoding="utf-8")
    return {
        **manifest.shown(one),
        **{word: len(keys) for word, keys in found_keys.items()},
        "broken_chain": breaks,
    }


def glance(storage: Storage, *, unfinished: bool) -> dict[str, Any]:
    """Compare what the bucket lists with all manifests, without reading an object.

    Args:
        storage: The bucket.
        unfinished: Whether a freeze is at work or was cut short; its objects are in no manifest.
    """
    every = storage.manifests()
    wanted = {entry.key: entry.size for each in every for entry in manifest.entries(each)}
    found = dict(storage.listed())
    ours = {manifest.LATEST, *(manifest.name(each["version"]) for each in every)}
    strays = set() if unfinished else set(found) - set(wanted) - ours
    return {
        "dataset": storage.bucket,
        "versions": len(every),
        "objects": len(wanted),
        "missing": sum(key not in found for key in wanted),
        "changed": sum(found.get(key, size) != size for key, size in wanted.items()),
        "unlisted": len(strays),
        "broken_chain": _breaks(every),
    }


def _breaks(every: Sequence[Manifest]) -> list[int]:
    """Return the versions whose predecessor is not the one that they name."""
    wrong = []
    for before, one in pairwise(every):
        hashes = {manifest.digest(before), *(gone["formerly"] for gone in before["withdrawals"])}
        if one["previous"] not in hashes:
            wrong.append(one["version"])
    return wrong
