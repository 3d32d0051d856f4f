"""Runs of apps: started where enough sites are there, followed to their end, results kept."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import time
import tomllib
import zipfile
from base64 import b64encode
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cairn_account import handing
from cairn_account.refusal import Refused
from cairn_hub_apps import flower, results, store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cairn_hub_apps.bucket import Bucket

SETTINGS: Final = Path("/etc/cairn/hub-apps.json")
#: Where the hub's part of an app writes what comes of a run: CAIRN_RESULTS of its unit.
WRITTEN: Final = Path("/var/lib/cairn-fl-exec/results")
RESULTS: Final = Path("/var/lib/cairn-apps/results")
SETTING: Final = re.compile(r"([A-Za-z0-9_.-]{1,64})=([A-Za-z0-9_.,:+-]{1,128})")
NUMBER: Final = re.compile(r"[0-9]{1,20}")
#: Settings of an app that the hub fills in where the app has them.
STARTED_BY: Final = "started-by"
MINIMUM: Final = "minimum-sites"
#: Where a run says who takes part, as `a,b`; all that are there if it does not.
SITES: Final = "sites"
#: Where an app says how it works, and how far from the images a run may go, the nearest first.
MODE: Final = "mode"
MODES: Final = ("federated", "hybrid", "central")
#: Seconds between two looks at what is known of a run, and those that one may wait for news of it.
OFTEN: Final = 0.5
NEWS_WITHIN: Final = 45
#: Bytes of all results of a run.
MOST: Final = 4 * 2**30
#: What the hub itself notes in the folder of a run.
OWN: Final = frozenset({"begun.json", "seen.json", "ended.json", results.STORED})
#: Bytes of results that are sent to whoever asks for them.
SENT: Final = 256 * 2**20


def start(app: str, by: str, settings: Iterable[str]) -> dict[str, Any]:
    """Start a run and what follows it.

    Raises:
        Refused: Too few sites are there, another run is going on, or the server does not take it.
    """
    store.person(by)
    told, spec = store.about(app), json.loads(SETTINGS.read_bytes())
    least = spec["minimum_sites"]
    store.bundle(app)
    if others := _going_on():
        raise Refused(f"run {others[0]} is going on; wait until it ends, or stop it")
    resume()
    file = store.FOLDER / app / "app.fab"
    chosen = [_setting(one) for one in settings]
    asked = dict(one.split("=", 1) for one in chosen)
    named = _named(asked, least)
    _empty(WRITTEN)
    run, there = flower.start(str(file), [*chosen, *_filled(file, by, spec, asked)], least)
    if not run:
        raise Refused(
            f"{there} sites are there, and the spec of the hub asks for {least} "
            "(hub.minimum_sites); `cairn hub nodes` shows who is missing"
        )
    sites = named or there
    words = {"run": run, "app": app, "name": told["name"], "version": told["version"]}
    folder = RESULTS / run
    folder.mkdir(mode=0o700, parents=True)
    _write(folder / "begun.json", {**words, "by": by, "sites": sites, "settings": chosen})
    handing.tell("started", {**words, "by": by, "sites": sites})
    _have_followed(run)
    return {**words, "sites": sites, "status": "started", "ended": False}


def resume() -> dict[str, Any]:
    """Have all followed that has not ended, or whose results wait for the bucket."""
    left = [*_going_on(), *(one.name for one in waiting())]
    for run in left:
        _have_followed(run)
    return {"runs": left}


def look(run: str) -> dict[str, Any]:
    """Return what is known of a run.

    Raises:
        Refused: There is none of that number.
    """
    folder = _folder(run)
    if _ended(folder):
        ended: dict[str, Any] = json.loads((folder / "ended.json").read_bytes())
        kept = results.stored(folder)
        return {**ended, "folder": f"s3://{kept['bucket']}/{run}"} if kept else ended
    begun = json.loads((folder / "begun.json").read_bytes())
    seen = folder / "seen.json"
    now = json.loads(seen.read_bytes()) if seen.exists() else {"status": "started"}
    return {**begun, **now, "ended": False}


def wait(run: str, status: str) -> dict[str, Any]:
    """Return what is known of a run when its status is another one, or after a while.

    Raises:
        Refused: There is none of that number.
    """
    end = time.monotonic() + NEWS_WITHIN
    while (told := look(run))["status"] == status and not told["ended"]:
        if time.monotonic() > end:
            break
        time.sleep(OFTEN)
    return told


def follow(run: str) -> dict[str, Any]:
    """Wait for the end of a run, keep its results and close its account; again is the same.

    Raises:
        Refused: The storage does not take the results yet; all else is done, and the unit comes
            again.
    """
    folder = _folder(run)
    if _ended(folder):
        _store(folder, json.loads((folder / "ended.json").read_bytes())["results"])
    else:
        _end(run, folder)
    return look(run)


def _end(run: str, folder: Path) -> None:
    begun = json.loads((folder / "begun.json").read_bytes())
    told = _watched(run, folder)
    own = WRITTEN / run
    names = _keep(own if own.is_dir() else WRITTEN, folder)
    refused = None
    try:
        _store(folder, names)
    except Refused as refusal:
        refused = refusal
    words = {word: begun[word] for word in ("run", "app", "name", "version", "by", "sites")}
    traffic = told["network-traffic"]
    done = {
        "bytes_in": int(traffic["inbound-bytes"]),
        "bytes_out": int(traffic["outbound-bytes"]),
        "outcome": told["status"],
    }
    why = str(told.get("status-details") or "")
    # Flower says `N/A` where there is nothing to say.
    done |= {"why": handing.plain(why)} if why not in {"", "N/A"} else {}
    handing.tell("finished", {**words, **done})
    at = datetime.now(UTC).isoformat(timespec="seconds")
    ended = {**begun, **done, "status": told["status"], "ended": True, "ended_at": at}
    _write(folder / "ended.json", {**ended, "results": names, "folder": str(folder)})
    if refused:
        raise refused


def _watched(run: str, folder: Path) -> dict[str, Any]:
    """Note each state of a run, and return the server's words on its end."""
    with closing(flower.states(run)) as states:
        for told in states:
            if told["status"].startswith(flower.OVER):
                return told
            _write(folder / "seen.json", {"status": told["status"]})
    raise Refused("Flower's server has stopped telling of the run")


def _store(folder: Path, names: list[str]) -> None:
    bucket = _bucket()
    if bucket is not None:
        results.put(folder, names, bucket)


def _bucket() -> Bucket | None:
    return results.bucket_of(json.loads(SETTINGS.read_bytes()))


def waiting() -> list[Path]:
    """Return the folders of runs whose results the bucket does not have yet."""
    if _bucket() is None:
        return []
    return [one for one in _over() if results.stored(one) is None]


def kept() -> dict[str, Any]:
    """Say of each run that is over whether its results are in the bucket, and whole.

    Raises:
        Refused: The hub has no storage, or it does not answer.
    """
    bucket = _bucket()
    if bucket is None:
        raise Refused("this hub has no storage; results stay in the folder of their run")
    return {"runs": list(results.looked_at(_over(), bucket))}


def _over() -> list[Path]:
    """Return the folders of runs that are over, the last one first."""
    ended = sorted(RESULTS.glob("*/ended.json"), key=lambda one: one.stat().st_mtime, reverse=True)
    return [one.parent for one in ended]


def fetch(run: str) -> dict[str, Any]:
    """Return the results of a run, each file in base64.

    Raises:
        Refused: There is none of that number, it goes on, or its results are too large to be sent.
    """
    folder = _folder(run)
    if not _ended(folder):
        raise Refused(f"run {run} is going on; its results come at its end")
    if folder in waiting():
        _have_followed(run)
    try:
        return _fetched(folder)
    except FileNotFoundError:  # they went into the bucket meanwhile
        return _fetched(folder)


def _fetched(folder: Path) -> dict[str, Any]:
    told, bucket = look(folder.name), _bucket()
    if sum(results.size(folder, name) for name in told["results"]) > SENT:
        limit = f"{SENT // 2**20} MiB"
        raise Refused(f"the results are larger than {limit}; copy {told['folder']} by hand")
    data = {name: results.read(folder, name, bucket) for name in told["results"]}
    return {"files": {name: b64encode(one).decode() for name, one in data.items()}}


def stop(run: str, by: str) -> dict[str, Any]:
    """Stop a run; what follows it notices.

    Raises:
        Refused: There is none of that number, or it has ended.
    """
    store.person(by)
    folder = _folder(run)
    if _ended(folder):
        raise Refused(f"run {run} has ended; nothing is left to stop")
    begun = json.loads((folder / "begun.json").read_bytes())
    handing.tell("stopped", {"run": run, "app": begun["app"], "by": by})
    flower.stop(run)
    _have_followed(run)
    return {"run": run}


def _have_followed(run: str) -> None:
    unit = f"cairn-app-run@{run}.service"
    subprocess.run(["/usr/bin/systemctl", "start", "--no-block", unit], check=True)


def _named(asked: Mapping[str, str], least: int) -> int:
    """Return how many sites a run names, none where all take part.

    Raises:
        Refused: They are fewer than the spec of the hub asks for.
    """
    names = {one for one in asked.get(SITES, "").strip('"').split(",") if one}
    if 0 < len(names) < least:
        raise Refused(
            f"{SITES} names {len(names)}, and at least {least} take part here (hub.minimum_sites)"
        )
    return len(names)


def _filled(file: Path, by: str, spec: Mapping[str, Any], asked: Mapping[str, str]) -> list[str]:
    """Return the settings that the hub fills in, of those that the app has.

    Raises:
        Refused: The run asks for fewer sites or another mode than the spec of the hub allows.
    """
    with zipfile.ZipFile(file) as packed:
        project = tomllib.loads(packed.read("pyproject.toml").decode("utf-8"))
    known = project.get("tool", {}).get("flwr", {}).get("app", {}).get("config", {})
    furthest = MODES.index(spec["mode"])
    if str(asked.get(MODE, known.get(MODE))).strip('"') in MODES[furthest + 1 :]:
        raise Refused(f"{MODE} is {' or '.join(MODES[: furthest + 1])} here (hub.mode)")
    least = spec["minimum_sites"]
    if MINIMUM in asked and int(asked[MINIMUM]) < least:
        raise Refused(f"{MINIMUM} is at least {least} here (hub.minimum_sites)")
    filled = {STARTED_BY: f'"{by}"', MINIMUM: str(max(least, int(known.get(MINIMUM, 0))))}
    return [f"{key}={value}" for key, value in filled.items() if key in known and key not in asked]


def _setting(text: str) -> str:
    """Return a setting as Flower reads it: a number, true or false, or a text in quotes."""
    found = SETTING.fullmatch(text)
    if found is None:
        raise Refused(f"`{text[:80]}` is no setting; write KEY=VALUE, as num-server-rounds=3")
    key, value = found.groups()
    if key == STARTED_BY:
        raise Refused(f"{STARTED_BY} is filled in by the hub")
    plain = value in {"true", "false"} or re.fullmatch(r"-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?", value)
    return f"{key}={value}" if plain else f'{key}="{value}"'


def _folder(run: str) -> Path:
    if NUMBER.fullmatch(run) is None or not (RESULTS / run / "begun.json").exists():
        raise Refused(f"there is no run {run[:20]}; `cairn runs` lists them")
    return RESULTS / run


def _going_on() -> list[str]:
    """Return the numbers of the runs that have not ended."""
    return [one.parent.name for one in RESULTS.glob("*/begun.json") if not _ended(one.parent)]


def _ended(folder: Path) -> bool:
    return (folder / "ended.json").exists()


def _empty(folder: Path) -> None:
    """Delete what an earlier run left; links are deleted, never followed."""
    for one in folder.iterdir() if folder.is_dir() else ():
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()


def _keep(source: Path, folder: Path) -> list[str]:
    """Copy plain files that a run wrote, and say which; another user wrote them.

    Raises:
        Refused: They are larger than results may be.
    """
    kept: list[str] = []
    size = 0
    for file in sorted(source.rglob("*")) if source.is_dir() else ():
        if not stat.S_ISREG(file.lstat().st_mode):
            continue
        name = "-".join(file.relative_to(source).parts)
        name = f"result-{name}" if name in OWN else name
        # A file that became a link meanwhile is refused by the kernel.
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW), "rb") as data:
            size += os.fstat(data.fileno()).st_size
            if size > MOST:
                raise Refused(f"the results are larger than {MOST // 2**30} GiB")
            with (folder / name).open("wb") as out:
                shutil.copyfileobj(data, out)
        kept.append(name)
    return kept


def _write(file: Path, content: dict[str, Any]) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(content), "utf-8")
    fresh.replace(file)
