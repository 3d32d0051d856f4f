"""The hub's end under Flower: sites are the nodes of the run, results go into a folder."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from importlib.metadata import version
from logging import INFO, WARNING
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict
from flwr.common import log
from flwr.serverapp import Grid, ServerApp

from lesions.errors import NoResult, Refused
from lesions.local import MODES, VERSION
from lesions.results import Origin, write
from lesions.rounds import Settings, conduct
from lesions.wire import Answer, Failure, Request

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

app = ServerApp()


class GridSites:
    """The nodes of Flower as sites of a run: those that are named, or all that are there.

    Raises:
        NoResult: A site that is named is not there in time.
    """

    def __init__(self, grid: Grid, named: Collection[str], least: int, timeout: float) -> None:
        self._grid, self._timeout = grid, timeout
        until = time.monotonic() + timeout
        while len(ids := self._there(named)) < max(least, len(named)):
            if time.monotonic() > until:
                break
            time.sleep(1)
        if missing := sorted(set(named) - set(ids)):
            raise NoResult(f"not there: {', '.join(missing)}")
        self._ids = ids

    def _there(self, named: Collection[str]) -> dict[str, int]:
        nodes = {one.name or f"node-{one.node_id}": one.node_id for one in self._grid.get_nodes()}
        return {name: one for name, one in nodes.items() if not named or name in named}

    def names(self) -> Sequence[str]:
        """Return who was there when the run began."""
        return sorted(self._ids)

    def ask(self, task: str, requests: Mapping[str, Request]) -> dict[str, Answer | Failure]:
        """Ask all at once and wait for the last, or for the time that a site may take."""
        sent = [
            Message(_content(request), dst_node_id=self._ids[name], message_type=task)
            for name, request in requests.items()
        ]
        replies = self._grid.send_and_receive(sent, timeout=self._timeout)
        by_id = {reply.metadata.src_node_id: reply for reply in replies}
        return {name: _answer(by_id.get(self._ids[name])) for name in requests}


def _content(request: Request) -> RecordDict:
    arrays = {name: Array(np.asarray(values)) for name, values in request.arrays.items()}
    return RecordDict({"arrays": ArrayRecord(arrays), "config": ConfigRecord(dict(request.config))})


def _answer(reply: Message | None) -> Answer | Failure:
    """Return what a message says; whatever is wrong with it is that site's failure alone."""
    if reply is None:
        return Failure("no answer in time")
    if reply.has_error():
        return Failure(f"the node answered with an error: {reply.error.reason}"[:300])
    try:
        content = reply.content
        told = dict(content.config_records["told"])
        if "refused" in told:
            return Failure(str(told["refused"])[:300])
        records = content.array_records.values()
        arrays = {name: one.numpy() for record in records for name, one in record.items()}
        return Answer(arrays, dict(content.metric_records["metrics"]), told)
    except Exception as error:  # noqa: BLE001 - a hostile message must not end the run
        return Failure(f"the answer cannot be read: {type(error).__name__}")


def settings(context: Context) -> tuple[Settings, float, Path | None]:
    """Return how the run goes, how long a site may take, and where results go."""
    config = context.run_config
    how = Settings(
        int(config["num-server-rounds"]),
        str(config["strategy"]),
        str(config["privacy"]),
        int(config["minimum-sites"]),
        float(config["epsilon"]),
        float(config["delta"]),
        bool(config["baselines"]),
    )
    place = os.environ.get("CAIRN_RESULTS") or str(config["results"])
    return how, float(config["site-timeout"]), Path(place) if place else None


def takes_part(context: Context) -> tuple[str, frozenset[str]]:
    """Return in which mode the run is, and the names of its sites, none for all.

    Raises:
        Refused: There is no such mode.
    """
    mode, sites = (str(context.run_config[key]) for key in ("mode", "sites"))
    if mode not in MODES:
        raise Refused(f"no mode `{mode}`; there are {', '.join(MODES)}")
    return mode, frozenset(one for one in sites.split(",") if one)


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Carry the run out; it fails without writing anything when there is no result."""
    how, timeout, place = settings(context)
    if place is None:
        raise NoResult("no folder for results: set CAIRN_RESULTS or `results`")
    mode, named = takes_part(context)
    try:
        sites = GridSites(grid, named, how.minimum_sites, timeout)
        outcome = conduct(sites, how, tell=lambda line: log(INFO, line))
    except (NoResult, Refused) as error:
        log(WARNING, "no result: %s", error)
        raise
    digest = getattr(grid.run, "fab_hash", "")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    folder = place / str(context.run_id)
    write(folder, outcome, Origin(mode, VERSION, digest, str(context.run_id), now))
    log(INFO, "results of run %s with flwr %s: %s", context.run_id, version("flwr"), folder)
