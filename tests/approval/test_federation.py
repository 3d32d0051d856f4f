"""With Flower itself: approved bytes are run in the cell, and others end with a reason."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from approval import flower
from approval.federation import Federation, federation
from cairn_account import chain, handing
from cairn_account.refusal import Refused
from cairn_hub_apps import flower as server
from cairn_hub_apps import runs, store
from intake.stations import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cairn.apps.bundle import App

OPS = "ops@hub.example"


@pytest.fixture(scope="module")
def running(python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    with federation(python, tmp_path_factory.mktemp("federation")) as made:
        yield made


@pytest.fixture
def hub(
    running: Federation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> list[dict[str, Any]]:
    """Let the programs of the hub act here; return the lines of its account."""
    lines: list[dict[str, Any]] = []
    places = {
        server: {"PYTHON": running.python, "HOME": str(running.home),
                 "PROGRAM": running.python.replace("/python", "/flwr")},
        store: {"FOLDER": tmp_path},
        runs: {"SETTINGS": tmp_path / "settings.json", "WRITTEN": running.results,
               "RESULTS": tmp_path / "results"},
    }  # fmt: skip
    for module, names in places.items():
        for name, value in names.items():
            monkeypatch.setattr(module, name, value)
    (tmp_path / "settings.json").write_text('{"mode": "hybrid", "minimum_sites": 1}')
    monkeypatch.setattr(
        handing, "tell", lambda event, words: lines.append({"event": event, **words})
    )
    monkeypatch.setattr(runs.subprocess, "run", _only_flower(runs.subprocess.run))
    return lines


def _only_flower(run: Any) -> Any:  # noqa: ANN401 - the module's own
    return lambda words, **how: None if "systemctl" in words[0] else run(words, **how)


def submitted(app: App) -> dict[str, Any]:
    sent = {"name": "tests/trial", "version": "0.1.0", "by": OPS, "signature": ""}
    return store.submit({**sent, "data": base64.b64encode(app.data).decode()})


def ran(app: App, *settings: str) -> dict[str, Any]:
    submitted(app)
    begun = runs.start(app.digest, OPS, settings)
    return runs.follow(begun["run"])


def of_node(running: Federation, run: str) -> list[dict[str, Any]]:
    return [line for line in chain.lines(running.node / "account") if line["run"] == run]


def test_approved_bytes_are_run_and_both_sides_account_for_it(
    running: Federation, hub: list[dict[str, Any]], tmp_path: Path
) -> None:
    app = flower.app(tmp_path / "app")
    running.approve(app.digest)
    told = ran(app)
    assert told["status"] == "finished:completed", told
    assert json.loads((tmp_path / "results" / told["run"] / "final.json").read_text()) == [2.0] * 3
    assert told["ended"]
    assert [line["event"] for line in hub] == ["submitted", "started", "finished"]
    lines = of_node(running, told["run"])
    assert [line["event"] for line in lines] == ["began", "ended"] * 2
    assert {line["started_by"] for line in lines} == {OPS}
    assert {line["app"] for line in lines} == {app.digest}


def test_bytes_that_nobody_approved_are_refused_by_name(
    running: Federation, hub: list[dict[str, Any]], tmp_path: Path
) -> None:
    approved = flower.app(tmp_path / "approved")
    other = flower.app(tmp_path / "other", f"pass\n{flower.HONEST}")
    assert (approved.title, approved.digest != other.digest) == (other.title, True)
    running.approve(approved.digest)
    told = ran(other)
    assert told["status"] != "finished:completed"
    lines = of_node(running, told["run"])
    assert {line["event"] for line in lines} == {"refused"}
    assert f"has not approved the app sha256:{other.digest}" in lines[0]["why"]


def test_an_app_that_opens_a_socket_fails_its_run_and_not_the_node(
    running: Federation, hub: list[dict[str, Any]], tmp_path: Path
) -> None:
    app = flower.app(tmp_path / "app", "socket.create_connection(('127.0.0.1', 22), 2)")
    running.approve(app.digest)
    told = ran(app)
    assert told["status"] != "finished:completed"
    assert "PermissionError" in of_node(running, told["run"])[1]["why"]


def test_too_few_sites_are_a_reason_not_to_start(
    running: Federation, hub: list[dict[str, Any]], tmp_path: Path
) -> None:
    app = flower.app(tmp_path / "app")
    submitted(app)
    (tmp_path / "settings.json").write_text('{"mode": "hybrid", "minimum_sites": 2}')
    with pytest.raises(Refused, match="1 sites are there, and the spec of the hub asks for 2"):
        runs.start(app.digest, OPS, ())
    with pytest.raises(Refused, match="sites names 1, and at least 2 take part here"):
        runs.start(app.digest, OPS, ("sites=a,a",))


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("rounds", "is no setting"),
        ('rounds="1"', "is no setting"),
        ("started-by=me", "is filled in by the hub"),
        ("unknown=1", "Flower's server"),
        ("mode=central", "mode is federated or hybrid here"),
    ],
)
def test_settings_that_cannot_be(
    running: Federation, hub: list[dict[str, Any]], tmp_path: Path, setting: str, why: str
) -> None:
    app = flower.app(tmp_path / "app")
    submitted(app)
    with pytest.raises(Refused, match=why):
        runs.start(app.digest, OPS, (setting,))


def test_changed_bytes_on_the_hub_are_found(hub: list[dict[str, Any]], tmp_path: Path) -> None:
    app = flower.app(tmp_path / "app")
    submitted(app)
    (tmp_path / app.digest / "app.fab").write_bytes(app.data + b"\n")
    with pytest.raises(Refused, match="were changed on this hub"):
        store.bundle(app.digest)


def test_a_run_that_is_stopped_ends_at_the_hub(
    running: Federation, hub: list[dict[str, Any]], tmp_path: Path
) -> None:
    app = flower.app(tmp_path / "app", "time.sleep(9)")
    running.approve(app.digest)
    submitted(app)
    run = runs.start(app.digest, OPS, ())["run"]
    wait_for(lambda: of_node(running, run), "no task begins")
    runs.stop(run, OPS)
    assert runs.follow(run)["status"] == "finished:stopped"
    assert [line["event"] for line in hub][-2:] == ["stopped", "finished"]
    with pytest.raises(Refused, match="has ended"):
        runs.stop(run, OPS)
