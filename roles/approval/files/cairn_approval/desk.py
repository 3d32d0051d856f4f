"""What the site does with apps: approves, revokes, looks; each change is in the account first."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cairn_account import handing
from cairn_account.refusal import Refused
from cairn_approval import approvals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

#: What deletes copies of data sets that no approval covers any more.
TIDY: Final = "cairn-fl-tidy.service"
PERSON: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


def approve(words: argparse.Namespace, folder: Path = approvals.FOLDER) -> dict[str, Any]:
    """Put an app on the list, with the data set it may see and the permit that this rests on.

    Raises:
        Refused: The permit does not cover it, or what is said is not whole.
    """
    _named(words.app, words.by)
    now = datetime.now(UTC)
    permit = approvals.permit(
        approvals.rules(folder), words.permit, words.dataset, today=now.date()
    )
    told = {
        "dataset": words.dataset,
        "permit": words.permit,
        "permit_ends": permit["expires"],
        "by": words.by,
        "name": words.name,
        "version": words.version,
        "signed_by": words.signed_by,
    }
    with _alone(folder):
        apps = approvals.read(folder)
        handing.tell("approved", {"app": words.app, **told})
        apps[words.app] = {**told, "at": now.isoformat(timespec="seconds")}
        approvals.write(apps, folder)
    return {"app": words.app, **apps[words.app]}


def revoke(words: argparse.Namespace, folder: Path = approvals.FOLDER) -> dict[str, Any]:
    """Take an app from the list; a task that has begun still ends.

    Raises:
        Refused: It is not on the list.
    """
    _named(words.app, words.by)
    with _alone(folder):
        apps = approvals.read(folder)
        if words.app not in apps:
            raise Refused(f"sha256:{words.app} is not approved here; `cairn app list` says what is")
        gone = apps.pop(words.app)
        handing.tell("revoked", {"app": words.app, "by": words.by, "dataset": gone["dataset"]})
        approvals.write(apps, folder)
    return {"app": words.app, **gone}


def listed(folder: Path = approvals.FOLDER) -> dict[str, Any]:
    """Return all approvals, each with why it does not count today, if so."""
    today, found = datetime.now(UTC).date(), []
    for app, one in approvals.read(folder).items():
        why = ""
        try:
            approvals.granted(app, today=today, folder=folder)
        except Refused as refusal:
            why = str(refusal)
        found.append({"app": app, **one, "counts": not why, "why": why})
    return {"node": approvals.rules(folder)["node"], "apps": found}


def _named(app: str, by: str) -> None:
    if approvals.DIGEST.fullmatch(app) is None:
        raise Refused("an app is named by its whole SHA-256, 64 digits; `cairn app list` has it")
    if PERSON.fullmatch(by) is None:
        raise Refused("who does this is named by a mail address, as in --by dpo@hospital.example")


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main(arguments: Sequence[str]) -> int:
    """Do what a verb says and print what came of it; return 0, or 1 with the reason."""
    words = _parsed(arguments)
    if words.verb == "runs":
        os.execv("/usr/local/libexec/cairn/account", ["account", "show"])  # noqa: S606
    verbs: dict[str, Callable[[], dict[str, Any]]] = {
        "approve": lambda: approve(words),
        "revoke": lambda: revoke(words),
        "list": listed,
    }
    try:
        print(json.dumps(verbs[words.verb]()))  # noqa: T201 - the answer
    except Refused as refusal:
        print(refusal, file=sys.stderr)  # noqa: T201 - the reason
        return 1
    if words.verb == "revoke":
        # As the user whose the copies are; nothing of root's follows what that user put there.
        subprocess.run(["/usr/bin/systemctl", "start", "--no-block", TIDY], check=True)
    return 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="agent-apps", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    wanted = {
        "approve": ("dataset", "permit", "by", "name", "version", "signed-by"),
        "revoke": ("by",),
        "list": (),
        "runs": (),
    }
    optional = ("name", "version", "signed-by")
    for verb, options in wanted.items():
        one = verbs.add_parser(verb)
        if options:
            one.add_argument("app")
        for option in options:
            one.add_argument(f"--{option}", default="", required=option not in optional)
    return parser.parse_args(arguments)
