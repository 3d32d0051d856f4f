"""Lend a version of a data set: send what the other end lacks, the manifest last."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, Final

from cairn_freeze import manifest
from cairn_freeze.refusal import Refused
from cairn_freeze.verify import chosen
from cairn_lending.consent import permit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cairn_freeze.freeze import Tell
    from cairn_freeze.manifest import Entry, Manifest
    from cairn_freeze.storage import Storage
    from cairn_lending.link import Link

    Note = Callable[[str, Mapping[str, str | int]], object]

SIDE_BY_SIDE: Final = 4
AT_ONCE: Final = 128
#: Bytes of an object that are held in memory; larger ones go through a private file.
IN_MEMORY: Final = 16 * 2**20
#: Seconds between two looks at what the other end does, and that it may stand still.
OFTEN: Final = 1.0
PATIENCE: Final = 600


def lend(
    job: Mapping[str, Any], storage: Storage, link: Link, *, note: Note, tell: Tell
) -> dict[str, Any]:
    """Have a compute node hold a version; what it has already is not sent again.

    Args:
        job: Data set, version, by whom, until when, today, and the permits of the spec.
        storage: The bucket of the data set.
        link: The way to the compute node.
        note: Adds a line to the account; what cannot be written down is not done.
        tell: Told of the progress.

    Raises:
        Refused: It cannot be lent, or the other end does not take it.
    """
    one = chosen(storage.manifests(), job.get("version"))
    number = one["permit"]["id"]
    granted = permit(job["permits"], number, job["dataset"], today=job["today"])
    state, digest = _settled(link, tell), manifest.digest(one)
    if _holds(state, digest, job["until"]):
        return {**_told(job, one), "sent": 0, "bytes": 0, "is_new": False}
    line = _line(job, one, granted["expires"])
    note("lending", line)
    sent = _send(one, frozenset(state["objects"]), storage, link, tell)
    _unchanged(one, storage)
    delivery = {
        "manifest": manifest.written(one).decode(),
        "until": job["until"],
        "permit": {"id": number, "expires": granted["expires"]},
        "by": job["by"],
    }
    link.hand_in("delivery", delivery)
    state = _settled(link, tell)
    is_taken = _holds(state, digest, job["until"])
    why = "" if is_taken else str((state["outcome"] or {}).get("message", "it gives no reason"))
    note(
        "lent",
        {**line, "bytes_out": sent[1], "outcome": "taken" if is_taken else "refused", "why": why},
    )
    if not is_taken:
        raise Refused(f"{link.node} did not take the copy: {why}")
    return {**_told(job, one), "sent": sent[0], "bytes": sent[1], "is_new": True}


def recall(job: Mapping[str, Any], link: Link, *, note: Note) -> dict[str, Any]:
    """Have a compute node delete its copy.

    Raises:
        Refused: It has not done so.
    """
    before = _settled(link, _silent)["held"]
    line = {"node": link.node, "dataset": job["dataset"], "by": job["by"]}
    note("recalled", line)
    link.hand_in("recall", {"by": job["by"]})
    state = _settled(link, _silent)
    if state["held"]:
        why = (state["outcome"] or {}).get("message", "it gives no reason")
        raise Refused(f"{link.node} has not deleted the copy: {why}")
    return {"dataset": job["dataset"], "to": link.node, "was": before}


def _holds(state: Mapping[str, Any], digest: str, until: str) -> bool:
    held = state["held"] or {}
    return (held.get("manifest"), held.get("until")) == (digest, until)


def _send(
    one: Manifest, there: frozenset[str], storage: Storage, link: Link, tell: Tell
) -> tuple[int, int]:
    """Send the objects that the other end lacks; return how many, and their bytes."""
    each = {entry.sha256: entry for entry in manifest.entries(one)}
    missing = [entry for name, entry in sorted(each.items()) if name not in there]
    for start in range(0, len(missing), AT_ONCE):
        some = missing[start : start + AT_ONCE]
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            for _ in pool.map(lambda entry: _carry(entry, storage, link), some):
                pass
        tell("sending", start + len(some), len(missing))
    return len(missing), sum(entry.size for entry in missing)


def _carry(entry: Entry, storage: Storage, link: Link) -> None:
    with SpooledTemporaryFile(IN_MEMORY) as file:
        if storage.look(entry.key, file) != entry:
            raise Refused(
                "an object of the version is not what its manifest says; run `cairn dataset verify`"
            )
        link.put(entry, file)


def _unchanged(one: Manifest, storage: Storage) -> None:
    """See that nobody has withdrawn while the objects were on their way."""
    if storage.read(manifest.name(one["version"])) != manifest.written(one):
        raise Refused(
            "a subject withdrew from the version while it was sent; lend it again, without"
        )


def _settled(link: Link, tell: Tell) -> dict[str, Any]:
    """Return the state of the other end once it is at work on no delivery any more."""
    still, last = time.monotonic(), None
    while (state := link.state())["waiting"]:
        done = tuple(state["progress"] or (0, 0))
        if done != last:
            still, last = time.monotonic(), done
            if any(done):
                tell("being taken in", *done)
        if time.monotonic() - still > PATIENCE:
            raise Refused(
                f"{link.node} has a delivery and does nothing with it; its operators look at "
                "`systemctl status cairn-receiving`"
            )
        time.sleep(OFTEN)
    return state


def _line(job: Mapping[str, Any], one: Manifest, ends: str) -> dict[str, str | int]:
    return {
        "node": job["to"],
        "dataset": job["dataset"],
        "dataset_version": one["version"],
        "manifest": manifest.digest(one),
        "permit": one["permit"]["id"],
        "permit_ends": ends,
        "until": job["until"],
        "by": job["by"],
        "objects": len(one["objects"]),
        "bytes_out": one["size"],
    }


def _told(job: Mapping[str, Any], one: Manifest) -> dict[str, Any]:
    shown = manifest.shown(one)
    words = ("dataset", "version", "digest", "objects", "size", "permit")
    return {**{word: shown[word] for word in words}, "to": job["to"], "until": job["until"]}


def _silent(*_: object) -> None:
    """Say nothing."""
