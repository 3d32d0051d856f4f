"""The application `lesions` at the hub: what is taken from sites, and what becomes of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import lesion_phantoms
import numpy as np
import pytest

from lesions import masks, model, results
from lesions.errors import NoResult, Refused
from lesions.local import LocalSites, origin, run
from lesions.rounds import Outcome, Settings, conduct
from lesions.site import Place
from lesions.strategies import fedavg, median, strategy, trimmed
from lesions.wire import TRAIN, Answer, Failure, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Spoil = Callable[[Answer], Answer | Failure]

IMAGES = 60
QUICK = Settings(rounds=1)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("sites")
    for name in lesion_phantoms.RECIPES:
        lesion_phantoms.write(name, place / name, IMAGES)
    return {name: place / name for name in lesion_phantoms.RECIPES}


@pytest.fixture(scope="module")
def two(folders: dict[str, Path]) -> dict[str, Path]:
    return {name: folders[name] for name in ("a", "b")}


@dataclass(frozen=True)
class Spoiled(LocalSites):
    """Sites of which one answers badly when it is asked to learn."""

    bad: str = "b"
    spoil: Spoil = lambda answer: answer

    def ask(self, task: str, requests: Mapping[str, Request]) -> dict[str, Answer | Failure]:
        answers = super().ask(task, requests)
        answer = answers[self.bad]
        assert isinstance(answer, Answer)
        return {**answers, self.bad: self.spoil(answer)} if task == TRAIN else answers


def spoiled(folders: Mapping[str, Path], spoil: Spoil) -> Spoiled:
    places = {name: Place((folder,), name) for name, folder in folders.items()}
    return Spoiled(places, "b", spoil)


def quiet(_line: str) -> None:
    """Log nothing."""


def areas(outcome: Outcome) -> dict[str, float]:
    told = results.figures(outcome, origin("federated"))
    return {"+".join(one["learned_from"]): one["pooled"]["auc"] for one in told["models"]}


def with_model(values: np.ndarray) -> Spoil:
    return lambda answer: replace(answer, arrays={"model": values})


BAD: dict[str, tuple[Spoil, str]] = {
    "no numbers": (with_model(np.full(model.SIZE, np.nan)), "no numbers"),
    "endless": (with_model(np.full(model.SIZE, np.inf)), "no numbers"),
    "wrong shape": (with_model(np.zeros((model.SIZE, 2))), "shape"),
    "wrong type": (with_model(np.zeros(model.SIZE, dtype=np.int64)), "no numbers"),
    "beyond reason": (with_model(np.full(model.SIZE, 1e9)), "beyond all reason"),
    "no model": (lambda answer: replace(answer, arrays={}), "has no model"),
    "no count": (lambda answer: replace(answer, metrics={}), "how many images"),
    "great count": (
        lambda answer: replace(answer, metrics={"num-examples": 10**9}),
        "how many images",
    ),
    "negative count": (
        lambda answer: replace(answer, metrics={"num-examples": -1}),
        "how many images",
    ),
    "no answer": (lambda _answer: Failure("no answer in time"), "in time"),
}


def test_the_common_model_is_better_than_that_of_any_site(two: dict[str, Path]) -> None:
    found = areas(run("federated", two, Settings()))
    assert found["a+b"] > 0.95
    assert max(found["a"], found["b"]) < found["a+b"] - 0.05


def test_all_modes_come_to_much_the_same(folders: dict[str, Path]) -> None:
    settings = Settings(minimum_sites=1, baselines=False)
    found = [
        next(iter(areas(run(mode, folders, settings, ["b", "c"])).values()))
        for mode in ("federated", "hybrid", "central")
    ]
    assert min(found) > 0.9
    assert max(found) - min(found) < 0.05


def test_masks_change_the_model_by_rounding_alone(two: dict[str, Path]) -> None:
    open_one = run("federated", two, Settings())
    masked = run("federated", two, Settings(privacy="secagg"))
    assert np.abs(open_one.weights - masked.weights).max() < 1e-5
    assert [one["name"] for one in masked.models] == ["common"]


def test_with_noise_there_still_is_a_model(two: dict[str, Path]) -> None:
    noisy = run("federated", two, Settings(privacy="both", epsilon=20.0))
    assert np.isfinite(noisy.weights).all()
    assert noisy.weights.any()


@pytest.mark.parametrize("case", BAD)
def test_a_bad_answer_is_left_out_and_harms_no_other_site(
    folders: dict[str, Path], case: str
) -> None:
    spoil, why = BAD[case]
    sites = spoiled(folders, spoil)
    outcome = conduct(sites, QUICK, tell=quiet)
    assert [one["site"] for one in outcome.refused] == ["b"]
    assert why in outcome.refused[0]["why"]
    without = {name: folder for name, folder in folders.items() if name != "b"}
    assert np.allclose(outcome.weights, run("federated", without, QUICK).weights)
    assert "b" not in outcome.sites


def test_two_sites_of_which_one_answers_badly_have_no_result(two: dict[str, Path]) -> None:
    sites = spoiled(two, BAD["no numbers"][0])
    with pytest.raises(NoResult, match="1 good answers of 2"):
        conduct(sites, QUICK, tell=quiet)


def test_one_site_alone_has_no_result(two: dict[str, Path]) -> None:
    with pytest.raises(NoResult, match="2 sites are needed; there: a"):
        run("federated", {"a": two["a"]}, QUICK)


@pytest.mark.parametrize("privacy", ["none", "secagg"])
def test_a_copy_counts_not_beside_what_it_is_a_copy_of(
    two: dict[str, Path], tmp_path: Path, privacy: str
) -> None:
    shutil.copytree(two["b"], tmp_path / "copy")
    with pytest.raises(NoResult, match="b and copy have the same data, images-sha256:"):
        run("federated", {**two, "copy": tmp_path / "copy"}, Settings(privacy=privacy))


def test_masks_without_all_sites_have_no_sum(folders: dict[str, Path]) -> None:
    sites = spoiled(folders, BAD["no answer"][0])
    with pytest.raises(NoResult, match="2 good answers of 3"):
        conduct(sites, replace(QUICK, privacy="secagg"), tell=quiet)


def test_a_mask_of_the_wrong_form_has_no_sum(two: dict[str, Path]) -> None:
    sites = spoiled(two, lambda answer: replace(answer, arrays={"masked": np.zeros(3)}))
    with pytest.raises(NoResult, match="no masked model"):
        conduct(sites, replace(QUICK, privacy="secagg"), tell=quiet)


def test_a_mask_of_another_key_makes_a_sum_that_is_not_taken(two: dict[str, Path]) -> None:
    noise = np.random.default_rng(3).integers(0, 2**64, model.SIZE + 1, dtype=np.uint64)
    sites = spoiled(two, lambda answer: replace(answer, arrays={"masked": noise}))
    with pytest.raises(NoResult, match="beyond all reason"):
        conduct(sites, replace(QUICK, privacy="secagg"), tell=quiet)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (Settings(strategy="average"), "no strategy"),
        (Settings(privacy="some"), "no privacy"),
        (Settings(strategy="median", privacy="secagg"), "has to see each model"),
        (Settings(privacy="dp", epsilon=0.0), "no protection"),
        (Settings(rounds=0), "at least one round"),
        (Settings(privacy="secagg", minimum_sites=1), "two with masks"),
    ],
)
def test_settings_that_cannot_be_kept_are_refused(settings: Settings, why: str) -> None:
    with pytest.raises(Refused, match=why):
        settings.checked()


def test_robust_strategies_bear_one_bad_site_and_the_mean_does_not() -> None:
    good = [(np.array([1.0, -1.0]) + shift, 50) for shift in (-0.1, 0.0, 0.1)]
    models = [*good, (np.array([1e5, 1e5]), 5_000)]
    for robust in (median, trimmed):
        assert np.abs(robust(models) - [1.0, -1.0]).max() < 0.1
    assert np.abs(fedavg(models)).max() > 1_000


def test_the_mean_counts_images() -> None:
    assert fedavg([(np.array([0.0]), 1), (np.array([4.0]), 3)]) == [3.0]


def test_every_strategy_has_its_name() -> None:
    assert strategy("trimmed") is trimmed


def test_what_one_site_sends_looks_like_noise_and_the_sum_is_right() -> None:
    pairs = {name: masks.key_pair() for name in "abc"}
    keys = {name: public for name, (_, public) in pairs.items()}
    values = np.array([0.5, -2.25, 0.0])
    sent = [masks.masked(values, 10, private, keys, "1") for private, _ in pairs.values()]
    again = masks.masked(values, 10, pairs["a"][0], keys, "2")
    assert len({tuple(one) for one in (*sent, again)}) == 4
    mean, weight = masks.unmasked(sent)
    assert np.allclose(mean, values)
    assert weight == 30


def test_keys_that_hide_nothing_are_refused() -> None:
    (private, public), (_, other) = masks.key_pair(), masks.key_pair()
    for keys in ({"a": public}, {"b": other}, {"a": public, "b": public}, {"b": other, "c": other}):
        with pytest.raises(Refused, match="hide nothing"):
            masks.masked(np.zeros(2), 1, private, keys, "1")


def test_a_key_that_is_none_is_refused() -> None:
    private, public = masks.key_pair()
    for wrong in (b"short", bytes(32)):
        with pytest.raises(Refused, match="sends no model"):
            masks.masked(np.zeros(2), 1, private, {"a": public, "b": wrong}, "1")


def test_numbers_that_cannot_be_summed_are_refused() -> None:
    (private, public), (_, other) = masks.key_pair(), masks.key_pair()
    for bad in (np.nan, 1e12):
        with pytest.raises(Refused, match="cannot be summed"):
            masks.masked(np.array([bad]), 1, private, {"a": public, "b": other}, "1")


def test_a_result_says_where_it_comes_from(two: dict[str, Path], tmp_path: Path) -> None:
    outcome = run("federated", two, QUICK)
    results.write(tmp_path, outcome, replace(origin("federated"), digest="0d55", run="7"))
    assert np.allclose(np.load(tmp_path / "model.npz")["weights"], outcome.weights)
    lineage = json.loads((tmp_path / "lineage.json").read_text())
    assert (lineage["digest"], lineage["run"]) == ("0d55", "7")
    assert [one["name"] for one in lineage["participants"]] == ["a", "b"]
    assert all("sha256:" in one["manifest"] for one in lineage["participants"])
    card = (tmp_path / "model-card.md").read_text()
    assert lineage["model"] in card
    assert "| federated | a, b | 0.9" in card
    assert "no medical device" in card
