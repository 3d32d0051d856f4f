"""`python3 -m cairn_hub_apps VERB`: what `hub-apps` does; prints one answer as JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from cairn_account.refusal import Refused
from cairn_hub_apps import runs, store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def main(arguments: Sequence[str]) -> int:
    """Do what a verb says; return 0, or 1 with the reason."""
    words = _parsed(arguments)
    if words.verb == "runs":
        os.execv("/usr/local/libexec/cairn/account", ["account", "show"])  # noqa: S606
    verbs: dict[str, Callable[[], dict[str, Any]]] = {
        "submit": lambda: store.submit(json.load(sys.stdin)),
        "list": store.listed,
        "kept": runs.kept,
        "run": lambda: runs.start(words.app, words.by, words.set or ()),
        "resume": runs.resume,
        "look": lambda: runs.look(words.run),
        "wait": lambda: runs.wait(words.run, words.status),
        "follow": lambda: runs.follow(words.run),
        "fetch": lambda: runs.fetch(words.run),
        "stop": lambda: runs.stop(words.run, words.by),
    }
    try:
        print(json.dumps(verbs[words.verb]()))  # noqa: T201 - the answer
    except Refused as refusal:
        print(refusal, file=sys.stderr)  # noqa: T201 - the reason
        return 1
    return 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hub-apps", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("submit", "list", "kept", "resume", "runs"):
        verbs.add_parser(verb)
    starting = verbs.add_parser("run")
    starting.add_argument("app")
    starting.add_argument("--set", action="append", metavar="KEY=VALUE")
    for verb in ("look", "wait", "follow", "fetch", "stop"):
        verbs.add_parser(verb).add_argument("run")
    verbs.choices["wait"].add_argument("status", help="The one that is known already.")
    for one in (starting, verbs.choices["stop"]):
        one.add_argument("--by", required=True, metavar="MAIL")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
