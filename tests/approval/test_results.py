"""What came of a run goes into the hub's bucket: read back first, and nothing lost on the way."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cairn.plan.buckets import HUB_APPS, RESULTS
from cairn.provider import bucket_state
from cairn_account import handing
from cairn_account.refusal import Refused
from cairn_hub_apps import flower, results, runs
from cairn_hub_apps.bucket import Bucket
from s3_server import furnished, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from s3_server import Server

SECRET = "secret-of-the-hubs-apps"
FILES = {"model.npz": b"numbers" * 1000, "model-card.md": b"# A model\n", "lineage.json": b"{}"}
RUNNING = {"run-id": "7", "status": "running"}
ENDED = {
    "run-id": "7",
    "status": "finished:completed",
    "status-details": "",
    "network-traffic": {"inbound-bytes": 1, "outbound-bytes": 2},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Lay out a storage with the bucket that the plan makes; it does not run yet."""
    server = furnished(tmp_path_factory.mktemp("s3"), {HUB_APPS: SECRET, "other": "other-secret"})
    (server.folder / "hub-apps.credentials").write_text(
        f"[default]\naws_access_key_id = {HUB_APPS}\naws_secret_access_key = {SECRET}\n"
    )
    wanted = bucket_state.settings_of({"name": RESULTS, "versioning": True, "writers": [HUB_APPS]})
    with running(server):
        bucket_state.make(server.root, RESULTS, wanted)
        unset = dict.fromkeys(bucket_state.SETTINGS)
        bucket_state.change(server.root, RESULTS, unset, {**unset, **wanted})
    return server


@pytest.fixture
def storage(place: Server) -> Iterator[Server]:
    with running(place):
        yield place


@pytest.fixture
def asked(
    place: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> list[tuple[str, ...]]:
    """Let the programs of the hub act here, on a run of this test; return what systemd is asked."""
    number = str(abs(hash(request.node.name)) % 10**9)
    told: list[tuple[str, ...]] = []
    settings = {
        "mode": "federated",
        "minimum_sites": 1,
        "storage": {
            "url": f"https://127.0.0.1:{place.port}",
            "authority": str(place.folder / "node.crt"),
            "credentials": str(place.folder / "hub-apps.credentials"),
            "bucket": RESULTS,
        },
    }
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    for name in ("written", f"results/{number}"):
        (tmp_path / name).mkdir(parents=True)
    for name, data in FILES.items():
        (tmp_path / "written" / name).write_bytes(data)
    begun = {"run": number, "app": "a", "name": "n", "version": "1", "by": "b", "sites": 2}
    (tmp_path / "results" / number / "begun.json").write_text(json.dumps(begun))
    monkeypatch.setattr(runs, "SETTINGS", tmp_path / "settings.json")
    monkeypatch.setattr(runs, "WRITTEN", tmp_path / "written")
    monkeypatch.setattr(runs, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(flower, "states", lambda _: (one for one in (RUNNING, ENDED)))
    monkeypatch.setattr(handing, "tell", lambda event, _: told.append(("account", event)))
    monkeypatch.setattr(runs.subprocess, "run", lambda words, **_: told.append(tuple(words)))
    monkeypatch.setattr("cairn_hub_apps.bucket.PATIENCE", 2)
    monkeypatch.setattr(results.os, "sync", lambda: None)
    return told


@pytest.fixture
def run(asked: list[tuple[str, ...]], tmp_path: Path) -> str:
    del asked
    (folder,) = (tmp_path / "results").iterdir()
    return folder.name


def on_disk(tmp_path: Path, run: str) -> set[str]:
    return {file.name for file in (tmp_path / "results" / run).iterdir()} & FILES.keys()


def fetched(run: str) -> dict[str, bytes]:
    return {name: base64.b64decode(one) for name, one in runs.fetch(run)["files"].items()}


def without_storage(tmp_path: Path) -> None:
    told = {"mode": "federated", "minimum_sites": 1, "storage": None}
    (tmp_path / "settings.json").write_text(json.dumps(told))


#: Stands for the program that asks the server: says what it is given, then that nobody answers.
SAYS = """
import json, sys
for told in json.load(open(__file__ + ".json")):
    print("a note of Flower's")
    print(json.dumps(told), flush=True)
sys.exit("nobody listens")
"""


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Have a program tell what lies in a file, in place of Flower's; return the file."""
    program = tmp_path / "watch.py"
    program.write_text(SAYS)
    monkeypatch.setattr(flower, "PYTHON", sys.executable)
    monkeypatch.setattr(flower, "WATCH", (str(program),))
    return program.with_name("watch.py.json")


def test_a_server_is_asked_until_it_does_not_answer(says: Path) -> None:
    says.write_text(json.dumps([{"success": True, "runs": [one]} for one in (RUNNING, ENDED)]))
    told = flower.states("7")
    assert [next(told)["status"], next(told)["status"]] == ["running", "finished:completed"]
    with pytest.raises(Refused, match="gives no answer: nobody listens"):
        next(told)


def test_a_server_that_never_answers_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "flwr" / "cli").mkdir(parents=True)
    (tmp_path / "flwr" / "cli" / "app.py").write_text(
        "import time\n\n\ndef app(*_, **__):\n    time.sleep(60)\n"
    )
    known = flower._environment()
    search = {"PYTHONPATH": f"{tmp_path}:{known['PYTHONPATH']}"}
    monkeypatch.setattr(flower, "_environment", lambda: known | search)
    monkeypatch.setattr(flower, "PYTHON", sys.executable)
    monkeypatch.setattr(flower, "PATIENCE", 1)
    with pytest.raises(Refused, match="no answer: none in 1 s"):
        next(flower.states("7"))


def test_a_run_that_the_server_has_lost_is_over(says: Path) -> None:
    says.write_text(json.dumps([{"success": True, "runs": [RUNNING]}]))
    assert next(flower.states("8"))["status"] == "finished:lost"


def test_a_server_that_refuses_is_quoted(says: Path) -> None:
    says.write_text(json.dumps([{"success": False, "error-message": "no such  account"}]))
    with pytest.raises(Refused, match="refuses: no such account"):
        next(flower.states("7"))


def test_news_of_a_run_are_waited_for(
    run: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_storage(tmp_path)
    monkeypatch.setattr(runs, "NEWS_WITHIN", 0.2)
    assert runs.wait(run, "started")["status"] == "started"
    monkeypatch.setattr(runs, "NEWS_WITHIN", 30)
    follower = threading.Timer(0.3, runs.follow, (run,))
    follower.start()
    assert runs.wait(run, "started")["status"] != "started"
    follower.join()
    assert runs.wait(run, "running")["ended"]


def test_results_go_into_the_bucket_and_come_back_from_it(
    storage: Server, run: str, tmp_path: Path
) -> None:
    told = runs.follow(run)
    assert (told["ended"], told["folder"]) == (True, f"s3://{RESULTS}/{run}")
    assert on_disk(tmp_path, run) == set()
    for name, data in FILES.items():
        stored = storage.root.get_object(Bucket=RESULTS, Key=f"{run}/{name}")
        assert (stored["Body"].read(), bool(stored["VersionId"])) == (data, True)
    assert fetched(run) == FILES


def test_nobody_else_reads_them(storage: Server, run: str) -> None:
    runs.follow(run)
    with pytest.raises(ClientError, match="AccessDenied"):
        storage.client("other", "other-secret").get_object(
            Bucket=RESULTS, Key=f"{run}/model-card.md"
        )


def test_a_storage_that_is_down_loses_nothing_and_is_tried_again(
    place: Server, run: str, asked: list[tuple[str, ...]], tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="the storage does not answer"):
        runs.follow(run)
    assert runs.look(run)["folder"] == str(tmp_path / "results" / run)
    assert on_disk(tmp_path, run) == FILES.keys()
    # Whoever asks meanwhile gets them from the disk, and has them put later.
    assert fetched(run) == FILES
    assert asked[-1][-1] == f"cairn-app-run@{run}.service"
    assert [one.name for one in runs.waiting()] == [run]
    with pytest.raises(Refused, match="the storage does not answer"):
        runs.follow(run)
    with running(place):
        assert runs.follow(run)["folder"] == f"s3://{RESULTS}/{run}"
        assert (on_disk(tmp_path, run), runs.waiting()) == (set(), [])
        assert fetched(run) == FILES
    assert asked.count(("account", "finished")) == 1


def test_after_a_restart_of_the_hub_a_run_is_followed_to_its_end(
    storage: Server, run: str, asked: list[tuple[str, ...]]
) -> None:
    followed = ("/usr/bin/systemctl", "start", "--no-block", f"cairn-app-run@{run}.service")
    assert runs.resume() == {"runs": [run]}
    assert asked == [followed]
    runs.follow(run)
    assert runs.resume() == {"runs": []}


def test_other_bytes_in_the_bucket_leave_the_disk_as_it_is(
    storage: Server, run: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Bucket, "digest", lambda _, key: hashlib.sha256(key.encode()).hexdigest())
        with pytest.raises(Refused, match="gives other bytes"):
            runs.follow(run)
    assert on_disk(tmp_path, run) == FILES.keys()
    assert results.stored(tmp_path / "results" / run) is None
    assert runs.follow(run)["folder"] == f"s3://{RESULTS}/{run}"


def test_a_follower_that_died_in_between_goes_on(
    storage: Server, run: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def died(*_: object) -> None:
        raise Refused("the account does not take a line")

    with monkeypatch.context() as broken:
        broken.setattr(handing, "tell", died)
        with pytest.raises(Refused, match="does not take a line"):
            runs.follow(run)
    assert not runs.look(run)["ended"]
    assert runs.follow(run)["ended"]
    assert on_disk(tmp_path, run) == set()
    versions = storage.root.list_object_versions(Bucket=RESULTS, Prefix=f"{run}/")["Versions"]
    assert len(versions) == len(FILES)


def test_a_hub_without_storage_keeps_them_on_the_disk(run: str, tmp_path: Path) -> None:
    without_storage(tmp_path)
    assert runs.follow(run)["folder"] == str(tmp_path / "results" / run)
    assert (fetched(run), runs.waiting()) == (FILES, [])
    with pytest.raises(Refused, match="has no storage"):
        runs.kept()


def test_a_storage_that_was_taken_out_of_the_spec_is_named(
    storage: Server, run: str, tmp_path: Path
) -> None:
    runs.follow(run)
    without_storage(tmp_path)
    with pytest.raises(Refused, match=f"are in the bucket `{RESULTS}`, and the hub has no storage"):
        runs.fetch(run)


def test_what_was_changed_in_the_bucket_is_found(storage: Server, run: str) -> None:
    runs.follow(run)
    assert runs.kept() == {"runs": [{"run": run, "sound": True, "why": ""}]}
    other = FILES["model.npz"].replace(b"numbers", b"NUMBERS")
    storage.root.put_object(Bucket=RESULTS, Key=f"{run}/model.npz", Body=other)
    assert runs.kept()["runs"][0]["why"] == f"{run}/model.npz has other bytes"
    with pytest.raises(Refused, match="was changed in the bucket"):
        runs.fetch(run)
    storage.root.delete_object(Bucket=RESULTS, Key=f"{run}/model.npz")
    assert "is missing" in runs.kept()["runs"][0]["why"]


def test_results_that_wait_are_told(place: Server, run: str) -> None:
    with pytest.raises(Refused):
        runs.follow(run)
    with pytest.raises(Refused, match="does not answer"):
        runs.kept()
    with running(place):
        assert runs.kept()["runs"] == [
            {"run": run, "sound": False, "why": "the results wait on the disk"}
        ]


def test_an_app_does_not_write_what_the_hub_notes(
    storage: Server, run: str, tmp_path: Path
) -> None:
    for name in ("begun.json", "ended.json", "stored.json"):
        (tmp_path / "written" / name).write_text("{}")
    told = runs.follow(run)
    assert told["by"] == "b"
    assert {"result-begun.json", "result-ended.json", "result-stored.json"} <= {*told["results"]}
    assert fetched(run)["result-stored.json"] == b"{}"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"bucket": "other"}, "has no bucket of that name"),
        ({"credentials": "/x"}, "cannot be read"),
    ],
)
def test_what_the_storage_refuses_is_told(
    storage: Server, run: str, tmp_path: Path, wrong: dict[str, Any], told: str
) -> None:
    settings = json.loads((tmp_path / "settings.json").read_text())
    settings["storage"] |= wrong
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    with pytest.raises(Refused, match=told):
        runs.follow(run)
    assert on_disk(tmp_path, run) == FILES.keys()
