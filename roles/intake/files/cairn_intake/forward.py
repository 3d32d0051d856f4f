"""The program `cairn-deidentify`: takes what waits, takes the patient out, hands it to the archive.

It alone holds the key, and speaks to nobody but the archive on the loopback. An image is deleted
here after the archive confirmed it, and is held back if it may not leave.
"""

from __future__ import annotations

import argparse
import mmap
import os
import queue
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from cairn_intake import service
from cairn_intake.archive import Archive, Unavailable
from cairn_intake.deidentify import Deidentifier
from cairn_intake.profile import profile
from cairn_intake.pseudonyms import Pseudonyms
from cairn_intake.refusals import Refused
from cairn_intake.service import LOG
from cairn_intake.settings import Settings, load
from cairn_intake.spool import Spool
from cairn_intake.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable


#: Images at a time: while the archive writes one, the next is cleaned.
WORKERS: Final = 2
#: Seconds between two looks when nothing waits, and the longest pause while the archive is away.
_LOOK_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 10.0


@dataclass(slots=True)
class Forwarder:
    """Passes images on, several at a time.

    Attributes:
        spool: Where they wait.
        deidentify: Takes the patient out.
        archive: Opens a connection to the archive.
        tally: Counts.
        stop: Set when the program is to end.
    """

    spool: Spool
    deidentify: Deidentifier
    archive: Callable[[], Archive]
    tally: Tally
    stop: threading.Event
    _due: queue.Queue[Path] = field(default_factory=lambda: queue.Queue(WORKERS))
    _taken: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Pass on what waits until told to stop."""
        workers = [threading.Thread(target=self._work, daemon=True) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        while not self.stop.is_set():
            waiting = list(self.spool.images())
            self._taken.intersection_update(image.name for image in waiting)
            found = [image for image in waiting if image.name not in self._taken]
            for image in found:
                self._hand_out(image)
            if not found:
                self.tally.settle()
                self.stop.wait(_LOOK_S)
        for worker in workers:
            worker.join()
        self.tally.write()

    def _hand_out(self, image: Path) -> None:
        self._taken.add(image.name)
        while not self.stop.is_set():
            try:
                self._due.put(image, timeout=1)
            except queue.Full:
                continue
            return

    def _work(self) -> None:
        archive = self.archive()
        while not self.stop.is_set():
            try:
                image = self._due.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            self._insist(image, archive)

    def _insist(self, image: Path, archive: Archive) -> None:
        """Pass one image on, however long the archive is away."""
        pause = 0.5
        while not self.stop.is_set():
            try:
                self._pass_on(image, archive)
            except (Unavailable, OSError) as error:
                LOG.warning(
                    "an image waits: %s",
                    error if isinstance(error, Unavailable) else error.strerror,
                )
                self.stop.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            else:
                return

    def _pass_on(self, image: Path, archive: Archive) -> None:
        try:
            missing = self._delivered(image, archive)
        except Refused as refused:
            self.spool.hold_back(image, refused)
            self.tally.add(f"held-back.{refused.reason}")
            LOG.warning("an image of %s was held back: %s", _sender(image), refused)
        else:
            self.spool.forget(image)
            self.tally.add("passed-on", *(f"missing.{name}" for name in missing))

    def _delivered(self, image: Path, archive: Archive) -> tuple[str, ...]:
        """De-identify and hand over one image; return what EUCAIM asks for and it lacks."""
        with image.open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                raise Refused("not-dicom")
            # Closed with the last view of it, not here: an image may be larger than the memory.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        clean = self.deidentify(memoryview(mapped), cast("BinaryIO", mapped))
        archive.store(clean)
        return clean.missing


def _sender(image: Path) -> str:
    """Return the title of the system that sent an image, which stands in its file's name."""
    return image.stem.split("-", 3)[-1]


def forwarder(
    settings: Settings, spool: Spool, *, key: bytes, password: str, stop: threading.Event
) -> Forwarder:
    """Return what passes images on as the settings say."""
    deidentify = Deidentifier(
        profile(frozenset(settings.options), settings.private), Pseudonyms(key), settings.blank
    )
    tally = Tally(spool.root / "counts" / "counts.json")
    tally.recall()
    return Forwarder(
        spool, deidentify, lambda: Archive(settings.archive, "intake", password), tally, stop
    )


def main() -> None:
    """Pass images on until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", type=Path)
    parser.add_argument("spool", type=Path)
    chosen = parser.parse_args()
    stop = service.begin()
    key = bytes.fromhex(service.credential("pseudonym.key").read_text().strip())
    password = service.credential("archive.password").read_text().strip()
    spool = Spool(chosen.spool)
    settings = load(chosen.settings)
    passing = forwarder(settings, spool, key=key, password=password, stop=stop)
    service.notify("READY=1")
    LOG.info("ready; profile basic with %s", ", ".join(settings.options) or "no option")
    passing.run()


if __name__ == "__main__":
    main()
