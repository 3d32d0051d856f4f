"""`python3 -m cairn_freeze JOB`: does one job that lies under /run/cairn-freeze.

The job is in `job.json` of its folder; `progress.json` and `result.json` come to lie beside it.
What it writes to the journal names no subject, no key and no value of an image.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cairn_freeze.archive import Archive
from cairn_freeze.jobs import Desk
from cairn_freeze.refusal import Refused
from cairn_freeze.storage import Storage, client, credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Tell = Callable[[str, int, int], None]
    Do = Callable[[Mapping[str, Any], Tell], dict[str, Any]]

SETTINGS: Final = Path("/etc/cairn/freeze.json")
JOBS: Final = Path("/run/cairn-freeze")
#: Seconds between two notes of the progress.
OFTEN: Final = 0.5


def main(name: str, jobs: Path = JOBS, do: Do | None = None) -> int:
    """Do the job of that name; return 0, or 1 if it was refused or broke.

    Args:
        name: Name of the job.
        jobs: Where jobs lie.
        do: What does them; the desk of this host if None.
    """
    folder = jobs / name
    try:
        job = json.loads((folder / "job.json").read_bytes())
        (folder / "job.json").unlink()  # it may name a subject
        result = {"ok": True, "result": (do or desk().do)(job, teller(folder))}
    except Refused as refusal:
        result = {"ok": False, "message": str(refusal)}
    except Exception as error:  # noqa: BLE001 - whatever it is, its words may name a subject
        places = [
            f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)
        ]
        told = f"{type(error).__name__} in {' '.join(places[-4:])}"
        result = {"ok": False, "message": f"the job broke ({told}); this is a fault of Cairn"}
    write(folder / "result.json", result)
    say("done" if result["ok"] else str(result["message"]))
    return 0 if result["ok"] else 1


def desk() -> Desk:
    """Return the desk of this host: its archive, its storage, and the credentials for both."""
    settings = json.loads(SETTINGS.read_bytes())
    given = Path(os.environ["CREDENTIALS_DIRECTORY"])
    archive = Archive(settings["archive"], secret(given / "archive"))
    access = credentials((given / "storage").read_text("utf-8"))
    s3 = client(settings["storage"], settings["authority"], access)
    return Desk(archive, lambda bucket: Storage(bucket, s3), Path(os.environ["STATE_DIRECTORY"]))


def secret(file: Path) -> str:
    """Return a password from its file, without the line break at its end."""
    return file.read_text("utf-8").strip()


def teller(folder: Path) -> Callable[[str, int, int], None]:
    """Return what notes the progress of a job, now and then and at the end of each part."""
    last = [0.0]

    def tell(part: str, done: int, of: int) -> None:
        if done == of or time.monotonic() - last[0] > OFTEN:
            last[0] = time.monotonic()
            write(folder / "progress.json", {"part": part, "done": done, "of": of})

    return tell


def write(file: Path, content: dict[str, Any]) -> None:
    """Write a file at once, so that nobody reads half of it."""
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(content), encoding="utf-8")
    fresh.replace(file)


def say(text: str) -> None:
    """Write a line to the journal."""
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
