"""`python3 -m cairn_receiving.taking`: judges what lies in the inboxes, and ends copies in time.

It has the storage's credentials and no way to the network; who sends sees the outcome at the
inbox. What it writes to the journal names no subject and no key.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from cairn_account import handing
from cairn_freeze.refusal import Refused
from cairn_freeze.storage import Storage, client, credentials
from cairn_receiving import places
from cairn_receiving.copy import Copy

#: Seconds after which an object of a delivery that never ended is deleted.
STALE: Final = 2 * 86400
BROKE: Final = "taking it in broke; its operators find why in the journal"


def look_after(copy: Copy, *, now: datetime) -> str:
    """Do what is to be done about one copy today, and return what was done."""
    today, at = now.date(), now.isoformat(timespec="seconds")
    recall, delivery = copy.folder / places.RECALL, copy.folder / places.DELIVERY
    if recall.exists():
        by = str(places.settings(recall).get("by", ""))[:200]
        return _ended(copy, recall, f"recalled by {by}", at)
    if delivery.exists():
        return _taken(copy, delivery, now)
    over = copy.why_over(today=today)
    if over:
        return _ended(copy, recall, over, at)
    stale = time.time() - STALE
    for file, seen in places.lying(copy.folder / places.OBJECTS):
        if seen.st_mtime < stale:
            file.unlink(missing_ok=True)
    return ""


def _taken(copy: Copy, delivery: Path, now: datetime) -> str:
    """Take a delivery in, or tell why not; it is gone afterwards, whatever happens."""
    at, why = now.isoformat(timespec="seconds"), BROKE
    try:
        copy.take_in(_read(delivery), today=now.date(), at=at)
        why = ""
    except Refused as refusal:
        why = str(refusal)
    finally:
        try:
            if why:
                copy.refuse(why, at=at)
        finally:
            delivery.unlink(missing_ok=True)
    return f"refused: {why}" if why else "a delivery was taken in"


def _ended(copy: Copy, wish: Path, why: str, at: str) -> str:
    try:
        copy.give_back(why, at=at)
    except Refused as refusal:
        copy.refuse(f"the copy is not deleted: {refusal}", at=at)
        raise
    finally:
        wish.unlink(missing_ok=True)
    return f"the copy was deleted: {why}"


def _read(delivery: Path) -> dict[str, object]:
    try:
        return places.settings(delivery)
    except ValueError:
        raise Refused("the delivery is not whole") from None


def main() -> int:
    """Look after every copy of this host; return 0, or 1 if one could not be looked after."""
    told, failed = places.settings(), 0
    home = Path(os.environ["STATE_DIRECTORY"])
    access = credentials((Path(os.environ["CREDENTIALS_DIRECTORY"]) / "storage").read_text("utf-8"))
    s3 = client(told["storage"], told["authority"], access)
    for name in told["copies"]:
        copy = Copy(name, told, Storage(name, s3), home, partial(handing.tell, refused=Refused))
        try:
            done = look_after(copy, now=datetime.now(UTC))
        except Refused as refusal:
            failed, done = 1, str(refusal)
        if done:
            sys.stderr.write(json.dumps({"dataset": name, "done": done}) + "\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
