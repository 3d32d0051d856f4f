"""What each verb does on the host, given a job, archive, storage and the folder of the work."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cairn_freeze import manifest
from cairn_freeze.cohort import PSEUDONYM
from cairn_freeze.freeze import Freezer
from cairn_freeze.left import Left
from cairn_freeze.refusal import Refused
from cairn_freeze.verify import chosen, glance, verify
from cairn_freeze.withdraw import withdraw
from cairn_freeze.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from cairn_freeze.archive import Archive
    from cairn_freeze.freeze import Tell
    from cairn_freeze.storage import Storage

    Job = Mapping[str, Any]
    Open = Callable[[str], Storage]

#: Verbs that change something; one of them is at work at a time.
CHANGING: Final = frozenset({"freeze", "withdraw"})
#: Verbs that others may not change anything under; the rest only reads what is whole at any time.
ALONE: Final = CHANGING | {"verify"}


class Desk:
    """Where jobs of one host are done.

    Attributes:
        archive: The archive.
        storage: Opens the bucket of a data set.
        home: Folder that holds unfinished work and the list of those who withdrew.
    """

    def __init__(self, archive: Archive, storage: Open, home: Path) -> None:
        self.archive, self.storage, self.home = archive, storage, home

    def do(self, job: Job, tell: Tell) -> dict[str, Any]:
        """Do one job and return its result.

        Raises:
            Refused: It cannot be done.
        """
        verbs = {
            "freeze": self._freeze,
            "glance": self._glance,
            "list": self._list,
            "show": self._show,
            "verify": self._verify,
            "withdraw": self._withdraw,
        }
        if job["verb"] not in ALONE:
            return verbs[job["verb"]](job, tell)
        with alone(self.home / "lock", changing=job["verb"] in CHANGING):
            return verbs[job["verb"]](job, tell)

    def _work(self, dataset: str) -> Work:
        return Work(self.home / f"work-{dataset}")

    def _freeze(self, job: Job, tell: Tell) -> dict[str, Any]:
        name = job["dataset"]
        freezer = Freezer(self.archive, self.storage(name), self._work(name), tell)
        return freezer.freeze(job, Left(self.home), at=now())

    def _list(self, job: Job, tell: Tell) -> dict[str, Any]:
        del tell
        return {"datasets": [self._line(name) for name in job["datasets"]]}

    def _glance(self, job: Job, tell: Tell) -> dict[str, Any]:
        """Say of each data set, in counts, whether it is whole; of one that cannot be read, why."""
        told: list[dict[str, Any]] = []
        for number, name in enumerate(job["datasets"], 1):
            unfinished = self._work(name).begun() is not None
            try:
                told.append(glance(self.storage(name), unfinished=unfinished))
            except Refused as refusal:
                told.append({"dataset": name, "message": str(refusal)})
            tell("looking", number, len(job["datasets"]))
        return {"datasets": told}

    def _line(self, name: str) -> dict[str, Any]:
        every = self.storage(name).manifests()
        unfinished = self._work(name).begun() is not None
        versions = [_short(one) for one in every]
        return {"dataset": name, "versions": versions, "is_unfinished": unfinished}

    def _show(self, job: Job, tell: Tell) -> dict[str, Any]:
        del tell
        every = self.storage(job["dataset"]).manifests()
        return manifest.shown(chosen(every, job.get("version")))

    def _verify(self, job: Job, tell: Tell) -> dict[str, Any]:
        work = self._work(job["dataset"])
        unfinished = frozenset(entry.key for entry in work.stored().values())
        return verify(
            self.storage(job["dataset"]),
            job.get("version"),
            unfinished=unfinished,
            folder=work.folder,
            tell=tell,
        )

    def _withdraw(self, job: Job, tell: Tell) -> dict[str, Any]:
        """Put the subject on the list first, so that no later freeze brings it back."""
        subject, every = job["subject"], job["datasets"]
        if PSEUDONYM.fullmatch(subject) is None:
            raise Refused("this is no pseudonym of a subject; copy it from the archive")
        Left(self.home).add(subject)
        left = []
        for number, name in enumerate(every, 1):
            self._work(name).drop(subject)
            made = withdraw(self.storage(name), subject, at=now())
            left += [_short(made)] if made else []
            tell("withdrawing", number, len(every))
        return {"left": left, "looked_at": list(every)}


def _short(one: Mapping[str, Any]) -> dict[str, Any]:
    words = ("dataset", "version", "frozen_at", "size", "permit")
    return {
        **{word: one[word] for word in words},
        "objects": len(one["objects"]),
        "subjects": one["summary"]["subjects"],
        "withdrawals": len(one["withdrawals"]),
    }


def now() -> str:
    """Return the time, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def alone(file: Path, *, changing: bool) -> Iterator[None]:
    """Keep others from changing data sets meanwhile.

    Raises:
        Refused: Another job is at work.
    """
    with file.open("a") as handle:
        try:
            fcntl.flock(handle, (fcntl.LOCK_EX if changing else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("another job is at work on the data sets; wait until it ends") from None
        yield
