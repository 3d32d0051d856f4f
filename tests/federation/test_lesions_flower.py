"""The application `lesions` under a real Flower: hub, two nodes, and a process for each message."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import lesion_phantoms
import numpy as np
import pytest

from federation.flower import flower
from lesions.local import run
from lesions.rounds import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from federation.flower import Flower

IMAGES = 60


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("images")
    for name in ("a", "b"):
        lesion_phantoms.write(name, place / name, IMAGES)
    return {name: place / name for name in ("a", "b")}


@pytest.fixture(scope="module")
def running(images: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flower]:
    with flower(tmp_path_factory.mktemp("flower"), images) as one:
        yield one


def test_two_nodes_train_a_model_better_than_that_of_either(
    running: Flower, images: dict[str, Path]
) -> None:
    ended = running.run(num_server_rounds=1)
    assert ended.status == "finished:completed", running.logs()
    told = json.loads((ended.results / "metrics.json").read_text())
    areas = {one["kind"]: [] for one in told["models"]}
    for one in told["models"]:
        areas[one["kind"]].append(one["pooled"]["auc"])
    assert len(areas["single"]) == 2
    assert max(areas["single"]) < areas["federated"][0] - 0.05
    # The same code without Flower comes to the same numbers.
    weights = run("federated", images, Settings(rounds=1)).weights
    assert np.allclose(np.load(ended.results / "model.npz")["weights"], weights)
    lineage = json.loads((ended.results / "lineage.json").read_text())
    assert lineage["digest"] == ended.told["fab-hash"]
    assert {one["dataset"] for one in lineage["participants"]} == {"a", "b"}


def test_the_hub_learns_the_sum_of_masked_models_alone(
    running: Flower, images: dict[str, Path]
) -> None:
    ended = running.run(num_server_rounds=1, privacy="secagg")
    assert ended.status == "finished:completed", running.logs()
    weights = run("federated", images, Settings(rounds=1)).weights
    assert np.allclose(np.load(ended.results / "model.npz")["weights"], weights, atol=1e-5)
    told = json.loads((ended.results / "metrics.json").read_text())
    assert [one["kind"] for one in told["models"]] == ["federated"]


def test_too_few_sites_have_no_result(running: Flower) -> None:
    ended = running.run(num_server_rounds=1, minimum_sites=3, site_timeout=1.0)
    assert ended.status == "finished:failed"
    assert "3 sites are needed" in str(ended.told["status-details"])
    assert not ended.results.exists()


def test_a_site_that_is_named_and_away_has_no_result(running: Flower) -> None:
    ended = running.run(num_server_rounds=1, sites="away", site_timeout=1.0)
    assert ended.status == "finished:failed"
    assert "not there: away" in str(ended.told["status-details"])


def test_a_result_says_in_which_mode_it_was_made(running: Flower) -> None:
    ended = running.run(num_server_rounds=1, mode="hybrid", privacy="secagg")
    assert ended.status == "finished:completed", running.logs()
    told = json.loads((ended.results / "metrics.json").read_text())
    assert [one["kind"] for one in told["models"]] == ["hybrid"]
