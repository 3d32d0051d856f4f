"""The copy of one data set: a delivery becomes what the bucket holds, and the end of it."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from cairn_freeze import manifest
from cairn_freeze.refusal import Refused
from cairn_receiving import places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from cairn_freeze.manifest import Entry, Manifest
    from cairn_freeze.storage import Storage

    Note = Callable[[str, Mapping[str, str | int]], object]

#: A key is folders and a file; none is hidden, none leads upward, none is where manifests are.
PART: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
KEY: Final = re.compile(rf"(?!manifests/){PART}(?:/{PART}){{1,7}}")
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
PERSON: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
#: Objects after which the progress is told.
AT_ONCE: Final = 128


class Copy:
    """One data set that is a copy.

    Attributes:
        name: What it is called here; the name of its bucket.
        origin: Node and data set that it is a copy of.
        permits: The permits of the spec.
        folder: Its inbox.
        record: The file with what is held, which nobody else writes.
    """

    def __init__(
        self, name: str, told: Mapping[str, Any], storage: Storage, home: Path, note: Note
    ) -> None:
        self.name, self.origin = name, told["copies"][name]
        self.permits = [one for one in told["permits"] if name in one["datasets"]]
        self.folder, self.record = Path(told["inbox"]) / name, home / f"{name}.json"
        self._storage, self._note = storage, note

    def take_in(self, said: Mapping[str, Any], *, today: date, at: str) -> None:
        """Have the bucket hold what was delivered, and nothing else.

        Raises:
            Refused: It is not what it says, or may not be held; the bucket is as it was.
        """
        one = self._judged(said, today)
        entries = manifest.entries(one)
        self._all_here(entries)
        self._note("received", self._line(one, said))
        for number, entry in enumerate(entries, 1):
            self._store(entry)
            if number % AT_ONCE == 0 or number == len(entries):
                self._progress(number, len(entries))
        if self._storage.manifests() != (one,):
            self._storage.publish(one)
        keep = {manifest.LATEST, manifest.name(one["version"]), *(each.key for each in entries)}
        self._storage.erase("", keep=keep)
        held = {
            "version": one["version"],
            "manifest": manifest.digest(one),
            "until": said["until"],
            "at": at,
        }
        places.write(self.record, held, 0o600)
        self._tell(held, sorted({each.sha256 for each in entries}), f"holds {held['manifest']}", at)
        self.empty()

    def give_back(self, by: str, *, at: str) -> None:
        """Delete the copy, in all versions of its objects."""
        if self.record.exists() or any(True for _ in self._storage.listed()):
            self._note("deleted", {"node": self.origin["node"], "dataset": self.name, "why": by})
            self._storage.erase("")
            self.record.unlink(missing_ok=True)
        self._tell(None, [], by, at)
        self.empty()

    def why_over(self, *, today: date) -> str:
        """Return why the copy must go today; empty if it may stay, or if there is none."""
        if not self.record.exists():
            return ""
        until = date.fromisoformat(places.settings(self.record)["until"])
        if today > until:
            return f"the consent of {self.origin['node']} ended on {until}"
        ends = [date.fromisoformat(one["delete_by"]) for one in self.permits]
        if not ends or today > max(ends):
            return "no permit lets it be kept any longer"
        return ""

    def refuse(self, why: str, *, at: str) -> None:
        """Tell the sender that a delivery was not taken, and why; objects that fit stay."""
        told = places.told(self.folder)
        self._tell(told["held"], told["objects"], why, at)
        self._note("refused", {"node": self.origin["node"], "dataset": self.name, "why": why})

    def empty(self) -> None:
        """Take away what is in the inbox."""
        for file in (self.folder / places.OBJECTS).iterdir():
            file.unlink(missing_ok=True)

    def _judged(self, said: Mapping[str, Any], today: date) -> Manifest:
        """Return the manifest of a delivery that may be held."""
        try:
            one = manifest.read(said["manifest"].encode())
            until, by = date.fromisoformat(said["until"]), str(said["by"])
            came = (str(one["node"]), str(one["dataset"]))
            fits = type(one["version"]) is int and one["version"] > 0 and str(one["permit"]["id"])
            entries = manifest.entries(one)
            sound = all(_is_sound(entry) for entry in entries)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Refused("the delivery is not whole; both nodes need the same release") from None
        if came != (self.origin["node"], self.origin["dataset"]):
            raise Refused(f"the manifest is of {came[1]} of {came[0]}")
        if not fits or PERSON.fullmatch(by) is None:
            raise Refused("the delivery does not say which version it is, and who lends it")
        if today > until:
            raise Refused(f"the consent ended on {until}")
        if not any(date.fromisoformat(each["expires"]) >= today for each in self.permits):
            raise Refused(f"this node has no live permit for {self.name}")
        if not sound or len({entry.key for entry in entries}) != len(entries):
            raise Refused("a key of the manifest is no name of an object")
        return one

    def _all_here(self, entries: Sequence[Entry]) -> None:
        """See that every object is what the manifest says, before one of them is stored.

        Raises:
            Refused: Some are not; those of them that lie in the inbox are gone.
        """
        wrong = set()
        for number, entry in enumerate(entries, 1):
            if self._found(entry) != entry:
                wrong.add(entry.sha256)
            if number % AT_ONCE == 0:
                self._progress(number, len(entries))
        for name in wrong:
            (self.folder / places.OBJECTS / name).unlink(missing_ok=True)
        if wrong:
            told = places.told(self.folder)
            rest = [name for name in told["objects"] if name not in wrong]
            places.write(self.folder / places.TOLD, {**told, "objects": rest})
            raise Refused(f"{len(wrong)} objects are not what the manifest says; lend it again")

    def _found(self, entry: Entry) -> Entry | None:
        file = self._opened(entry)
        if file is None:
            return self._storage.look(entry.key)
        with file:
            return manifest.entry_in(entry.key, file)

    def _opened(self, entry: Entry) -> IO[bytes] | None:
        path = self.folder / places.OBJECTS / entry.sha256
        try:
            return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")
        except FileNotFoundError:
            return None

    def _store(self, entry: Entry) -> None:
        file = self._opened(entry)
        if file is not None:
            with file:
                self._storage.put(entry, file)
            if self._storage.look(entry.key) != entry:
                raise Refused("an object is not in the storage as it was written; look at its disk")

    def _progress(self, done: int, of: int) -> None:
        told = places.told(self.folder)
        places.write(self.folder / places.TOLD, {**told, "progress": [done, of]})

    def _tell(
        self, held: Mapping[str, Any] | None, objects: Iterable[str], message: str, at: str
    ) -> None:
        told = {
            "held": held,
            "objects": list(objects),
            "outcome": {"message": message, "at": at},
            "progress": None,
        }
        places.write(self.folder / places.TOLD, told)

    def _line(self, one: Manifest, said: Mapping[str, Any]) -> dict[str, str | int]:
        return {
            "node": self.origin["node"],
            "dataset": self.name,
            "dataset_version": one["version"],
            "manifest": manifest.digest(one),
            "permit": str(one["permit"]["id"]),
            "permit_ends": str(one["permit"]["expires"]),
            "until": said["until"],
            "by": said["by"],
            "objects": len(one["objects"]),
            "bytes_in": sum(entry.size for entry in manifest.entries(one)),
        }


def _is_sound(entry: Entry) -> bool:
    """Whether key and digest can be names, and the size is one."""
    return (
        KEY.fullmatch(entry.key) is not None
        and DIGEST.fullmatch(entry.sha256) is not None
        and type(entry.size) is int
        and entry.size >= 0
    )
