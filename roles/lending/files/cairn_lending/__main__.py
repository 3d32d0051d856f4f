"""`python3 -m cairn_lending JOB`: does one job that lies under /run/cairn-lending.

Jobs are handed in and answered as those of `cairn_freeze`.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cairn_account import handing
from cairn_freeze import __main__ as jobs
from cairn_freeze.refusal import Refused
from cairn_freeze.storage import Storage, client, credentials
from cairn_lending.consent import consent
from cairn_lending.lend import lend, recall
from cairn_lending.link import Link, trust

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cairn_freeze.freeze import Tell

SETTINGS: Final = Path("/etc/cairn/lending.json")
JOBS: Final = Path("/run/cairn-lending")
NOTE: Final = partial(handing.tell, refused=Refused)


def do(job: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Do one job and return its result.

    Raises:
        Refused: It cannot be done, or the compute node did not take the copy.
    """
    settings = json.loads(SETTINGS.read_bytes())
    given = Path(os.environ["CREDENTIALS_DIRECTORY"])
    today = datetime.now(UTC).date()
    taking_back = job["verb"] == "recall"
    place = consent(settings, job, today=None if taking_back else today)
    link = Link(job["to"], place, job["dataset"], trust(given))
    if taking_back:
        return recall(job, link, note=NOTE)
    access = credentials((given / "storage").read_text("utf-8"))
    s3 = client(settings["storage"], settings["authority"], access)
    asked = {**job, "until": place["until"], "permits": settings["permits"], "today": today}
    return lend(asked, Storage(job["dataset"], s3), link, note=NOTE, tell=tell)


if __name__ == "__main__":
    sys.exit(jobs.main(sys.argv[1], JOBS, do))
