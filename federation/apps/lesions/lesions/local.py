"""Runs the app without Flower: where all data are in one place, or to compare ways of working.

usage: python -m lesions.local MODE FOLDER... --results FOLDER

`federated` has each folder learn alone and brings the models together, `central` learns from all
folders at once, `hybrid` from the first by itself and from the others, which consent, at one
compute node. The code of sites and of the hub is the one that runs under Flower.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lesions.errors import NoResult, Refused
from lesions.results import Origin, write
from lesions.rounds import Outcome, Settings, conduct
from lesions.site import Place, answer
from lesions.wire import Answer, Failure, Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MODES = ("federated", "hybrid", "central")
VERSION = "1.0.0"


@dataclass(frozen=True)
class LocalSites:
    """Sites in this process, by name."""

    places: Mapping[str, Place]

    def names(self) -> Sequence[str]:
        """Return all of them."""
        return sorted(self.places)

    def ask(self, task: str, requests: Mapping[str, Request]) -> dict[str, Answer | Failure]:
        """Ask one after the other."""
        return {name: self._one(task, request, name) for name, request in requests.items()}

    def _one(self, task: str, request: Request, name: str) -> Answer | Failure:
        try:
            return answer(task, request, self.places[name])
        except Refused as error:
            return Failure(str(error))


def run(
    mode: str, folders: Mapping[str, Path], settings: Settings, consenting: Sequence[str] = ()
) -> Outcome:
    """Carry a run out on folders of images, by site.

    Args:
        mode: One of `MODES`.
        folders: Where the images of each site are.
        settings: How; the minimum of sites is that of the mode's places.
        consenting: Sites whose data a compute node takes in the mode `hybrid`.

    Raises:
        Refused: Mode or settings cannot be kept.
        NoResult: Too few good answers.
    """
    places = {
        name: Place(tuple(folders[one] for one in held), ", ".join(held))
        for name, held in _held(mode, folders, consenting).items()
    }
    judges = {name: Place((folder,), name) for name, folder in folders.items()}
    return conduct(LocalSites(places), settings, LocalSites(judges), tell=lambda _line: None)


def _held(
    mode: str, folders: Mapping[str, Path], consenting: Sequence[str]
) -> dict[str, list[str]]:
    """Return for each place that learns the sites whose data it has."""
    if mode == "federated":
        return {name: [name] for name in folders}
    if mode == "central":
        return {"+".join(folders): list(folders)}
    if mode != "hybrid":
        raise Refused(f"no mode `{mode}`; there are {', '.join(MODES)}")
    if not set(consenting) <= set(folders) or not consenting:
        raise Refused("a hybrid run needs sites that consent, out of those given")
    rest = {name: [name] for name in folders if name not in consenting}
    return {**rest, "+".join(consenting): list(consenting)}


def origin(mode: str) -> Origin:
    """Return where a result of this process comes from."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Origin(mode, VERSION, "", "", now)


def main(arguments: Sequence[str]) -> None:
    """Run in one mode and write the results."""
    parser = argparse.ArgumentParser(prog="python -m lesions.local")
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("folders", nargs="+", type=Path, help="images of a site; its name counts")
    parser.add_argument("--results", required=True, type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--strategy", default="fedavg")
    parser.add_argument("--privacy", default="none")
    given = parser.parse_args(arguments)
    folders = {folder.name: folder for folder in given.folders}
    least = {"federated": len(folders), "hybrid": 2, "central": 1}[given.mode]
    single = given.mode == "federated"
    settings = Settings(given.rounds, given.strategy, given.privacy, least, baselines=single)
    try:
        outcome = run(given.mode, folders, settings, list(folders)[1:])
    except (Refused, NoResult) as error:
        sys.exit(f"lesions: {error}")
    write(given.results, outcome, origin(given.mode))


if __name__ == "__main__":
    main(sys.argv[1:])
