"""The manifest of one version of a data set: what is in it, where it comes from, what it rests on.

A version exists from the moment on at which its manifest does. Objects are shared between
versions: an image that did not change is stored once.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from cairn_freeze.refusal import Refused
from cairn_freeze.summary import summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CHUNK: Final = 2**20
FORMAT: Final = "cairn-dataset/1"
#: The manifest of the newest version, where people look first.
LATEST: Final = "manifest.json"
FOLDER: Final = "manifests/"
_NAME = re.compile(r"manifests/v([0-9]{4,})\.json")
#: What a version rests on; if none of it changed, a new version would be the old one.
GROUNDS: Final = ("permit", "query", "deidentification", "objects")

Manifest = dict[str, Any]


class Entry(NamedTuple):
    """One object of a data set: key, size in bytes, SHA-256 in hex."""

    key: str
    size: int
    sha256: str


def name(version: int) -> str:
    """Return the key of the manifest of a version."""
    return f"{FOLDER}v{version:04}.json"


def versions(keys: Iterable[str]) -> tuple[int, ...]:
    """Return the versions whose manifests are among the keys, oldest first."""
    found = (_NAME.fullmatch(key) for key in keys)
    return tuple(sorted(int(match[1]) for match in found if match))


def written(manifest: Manifest) -> bytes:
    """Return the one way in which a manifest is written, so that its hash means something."""
    text = json.dumps(manifest, sort_keys=True, ensure_ascii=False, indent=0)
    return f"{text}\n".encode()


def entry_of(key: str, data: bytes) -> Entry:
    """Return the entry of some bytes."""
    return Entry(key, len(data), hashlib.sha256(data).hexdigest())


def entry_in(key: str, file: IO[bytes]) -> Entry:
    """Return the entry of the bytes in a file, which may be large."""
    size, found = 0, hashlib.sha256()
    while chunk := file.read(CHUNK):
        size += len(chunk)
        found.update(chunk)
    return Entry(key, size, found.hexdigest())


def read(data: bytes) -> Manifest:
    """Return the manifest in some bytes.

    Raises:
        Refused: It is none of this format, or not written as `written` writes.
    """
    try:
        found = json.loads(data)
        known = found["format"] == FORMAT and written(found) == data
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise Refused("a manifest cannot be read or was changed by hand; look who wrote it")
    return dict(found)


def digest(manifest: Manifest) -> str:
    """Return the hash that stands for a version."""
    return f"sha256:{hashlib.sha256(written(manifest)).hexdigest()}"


def made(
    entries: Iterable[Entry],
    about: Mapping[str, Any],
    *,
    before: Sequence[Manifest],
    at: str,
) -> Manifest:
    """Return the manifest of the next version.

    Args:
        entries: Its objects.
        about: Data set, node, permit, query, profile of de-identification, scans, summary.
        before: The manifests of the earlier versions, oldest first.
        at: The time, ISO 8601 in UTC.
    """
    objects = [entry._asdict() for entry in sorted(entries)]
    last = before[-1] if before else None
    return {
        **about,
        "format": FORMAT,
        "version": last["version"] + 1 if last else 1,
        "frozen_at": at,
        "previous": digest(last) if last else None,
        "withdrawals": list(last["withdrawals"]) if last else [],
        "size": sum(one["size"] for one in objects),
        "objects": objects,
    }


def is_the_same(one: Manifest, other: Manifest) -> bool:
    """Whether two versions hold the same objects on the same grounds."""
    return all(one.get(word) == other.get(word) for word in GROUNDS)


def entries(manifest: Manifest) -> tuple[Entry, ...]:
    """Return the objects of a version."""
    return tuple(Entry(one["key"], one["size"], one["sha256"]) for one in manifest["objects"])


def belongs(key: str, subject: str) -> bool:
    """Whether an object is one of a subject's."""
    return key.startswith(f"{subject}/")


def names(manifest: Manifest, subject: str) -> bool:
    """Whether a version holds anything of a subject."""
    return any(belongs(one["key"], subject) for one in manifest["objects"])


def without(manifest: Manifest, subject: str, *, at: str) -> Manifest:
    """Return a version as it is after somebody withdrew: the objects are gone, the name as well.

    The same version number stays on it, with the time of the withdrawal and the hash that stood
    for it before; nothing says who left.

    Args:
        manifest: A version.
        subject: Who withdraws.
        at: The time, ISO 8601 in UTC.
    """
    scans = [scan for scan in manifest["scans"] if scan["subject"] != subject]
    objects = [one for one in manifest["objects"] if not belongs(one["key"], subject)]
    gone = {"at": at, "formerly": digest(manifest)}
    return {
        **manifest,
        "withdrawals": [*manifest["withdrawals"], gone],
        "scans": scans,
        "summary": summary(scans, least=manifest["summary"]["smallest_count"]),
        "size": sum(one["size"] for one in objects),
        "objects": objects,
    }


def shown(manifest: Manifest) -> dict[str, Any]:
    """Return what may be shown of a version: all but its objects, whose keys hold pseudonyms."""
    hidden = {"objects", "scans"}
    told = {key: value for key, value in manifest.items() if key not in hidden}
    return {**told, "objects": len(manifest["objects"]), "digest": digest(manifest)}
