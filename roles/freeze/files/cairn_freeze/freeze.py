"""Freeze: a cohort of the archive becomes the next version of a data set."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, Final

from cairn_freeze import headers, manifest
from cairn_freeze.cohort import arranged
from cairn_freeze.manifest import Entry
from cairn_freeze.refusal import Refused
from cairn_freeze.summary import summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cairn_freeze.archive import Archive
    from cairn_freeze.cohort import Image, Scan
    from cairn_freeze.left import Left
    from cairn_freeze.manifest import Manifest
    from cairn_freeze.storage import Storage
    from cairn_freeze.work import Work

    Tell = Callable[[str, int, int], None]

#: Images that are copied side by side, and after how many of them the work is noted on disk.
SIDE_BY_SIDE: Final = 4
AT_ONCE: Final = 128
#: Bytes of an image that are held in memory; larger ones go through a private file.
IN_MEMORY: Final = 16 * 2**20
GROUNDS: Final = ("query", "permit", "deidentification")


class Freezer:
    """One freeze of one data set: cohort, copy, read back, publish."""

    def __init__(self, archive: Archive, storage: Storage, work: Work, tell: Tell) -> None:
        self._archive, self._storage, self._work, self._tell = archive, storage, work, tell

    def freeze(self, job: Mapping[str, Any], left: Left, *, at: str) -> dict[str, Any]:
        """Freeze a cohort, or go on with a freeze that was cut short.

        Args:
            job: Data set, node, query, permit, profile, smallest count, whether to begin `anew`.
            left: Who has opted out.
            at: The time, ISO 8601 in UTC.

        Returns:
            What may be shown of the version, with `is_new`.

        Raises:
            Refused: It cannot be done; no version came to be.
        """
        lock = self._storage.lock()
        if lock and lock["mode"] == "COMPLIANCE":
            raise Refused(
                "the bucket's lock is of mode COMPLIANCE, which nobody can pass: a patient who "
                "withdraws could not leave; let the bucket have mode GOVERNANCE"
            )
        before = self._storage.manifests()
        scans = self._cohort(job, left)
        entries = self._copied(scans, before)
        self._read_back(entries)
        about = {
            "dataset": job["dataset"],
            "node": job["node"],
            "made_with": job["made_with"],
            "lock": lock,
            **{word: job[word] for word in GROUNDS},
            "scans": [scan.row for scan in scans],
            "summary": summary([scan.row for scan in scans], least=job["least"]),
        }
        made = manifest.made(entries, about, before=before, at=at)
        is_new = not (before and manifest.is_the_same(made, before[-1]))
        last = made if is_new else before[-1]
        if is_new:
            self._storage.publish(last)
        else:
            self._storage.point_to(last)
        self._work.end()
        return {**manifest.shown(last), "is_new": is_new}

    def _cohort(self, job: Mapping[str, Any], left: Left) -> tuple[Scan, ...]:
        grounds = {word: job[word] for word in GROUNDS}
        if job.get("anew"):
            self._work.end()
        begun = self._work.begun()
        if begun is None:
            scans = self._asked(job["query"], left)
            self._work.begin(grounds, scans)
            return scans
        if begun[0] != grounds:
            raise Refused(
                "a freeze of this data set with another query or permit was cut short; repeat it "
                "as it was, or add --anew to drop it"
            )
        return arranged(begun[1], left=left.holds)

    def _asked(self, query: Mapping[str, str], left: Left) -> tuple[Scan, ...]:
        numbers = self._archive.series(query)
        scans: list[Scan] = []
        for some in _some(numbers):
            with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
                scans += pool.map(self._archive.scan, some)
            self._tell("looking", len(scans), len(numbers))
        return arranged(scans, left=left.holds)

    def _copied(self, scans: Sequence[Scan], before: Sequence[Manifest]) -> list[Entry]:
        """Copy what is not stored yet; return all objects of the version."""
        known = {one.key: one.sha256 for each in before for one in manifest.entries(each)}
        stored = self._work.stored()
        every = [(scan, image) for scan in scans for image in scan.images]
        waiting = [pair for pair in every if pair[1].id not in stored]
        for some in _some(waiting):
            with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
                fresh = list(pool.map(lambda pair: self._copy(pair[0], pair[1], known), some))
            rows = list(zip((image.id for _, image in some), fresh, strict=True))
            self._work.store(rows)
            stored.update(rows)
            self._tell("copying", len(stored), len(every))
        return [stored[image.id] for _, image in every]

    def _copy(self, scan: Scan, image: Image, known: Mapping[str, str]) -> Entry:
        with SpooledTemporaryFile(IN_MEMORY) as file:
            self._archive.copy(image, file)
            size = file.tell()
            file.seek(0)
            headers.refuse_another(file, scan, image)
            digest = hashlib.sha256()
            while chunk := file.read(2**20):
                digest.update(chunk)
            file.seek(0)
            entry = named(Entry(scan.key(image), size, digest.hexdigest()), known)
            if known.get(entry.key) != entry.sha256:
                self._storage.put(entry, file)
        return entry

    def _read_back(self, entries: Sequence[Entry]) -> None:
        done = 0
        for some in _some(entries):
            with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
                found = list(pool.map(lambda entry: self._storage.look(entry.key), some))
            if found != list(some):
                wrong = sum(one != other for one, other in zip(found, some, strict=True))
                raise Refused(
                    f"{wrong} objects are not in the storage as they were written; look at its "
                    "disk, then freeze with --anew"
                )
            done += len(some)
            self._tell("reading back", done, len(entries))


def named(entry: Entry, known: Mapping[str, str]) -> Entry:
    """Return the entry under a key of its own, if an earlier version has other bytes there."""
    if known.get(entry.key, entry.sha256) == entry.sha256:
        return entry
    return entry._replace(key=f"{entry.key.removesuffix('.dcm')}-{entry.sha256[:16]}.dcm")


def _some(things: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (things[start : start + AT_ONCE] for start in range(0, len(things), AT_ONCE))
