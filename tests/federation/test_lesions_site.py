"""The application `lesions`: what a site reads, learns and tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lesion_phantoms
import numpy as np
import pytest
from pydicom import dcmread

from lesions import images, metrics, model, privacy, site
from lesions.errors import Refused
from lesions.features import COUNT, features
from lesions.wire import EVALUATE, KEYS, TRAIN, Request

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site") / "a"
    lesion_phantoms.write("a", place, IMAGES)
    return place


def training(**config: object) -> Request:
    basis = {"privacy": "none", "epsilon": 8.0, "delta": 1e-5, "rounds": 1, "round": 1}
    return Request({"model": model.fresh()}, {**basis, **config})


def test_a_bright_and_a_dark_spot_stand_out_in_features_of_their_own() -> None:
    chance = np.random.default_rng(1)
    tissue = 45 + chance.normal(0, 10, (64, 64))
    row, column = np.mgrid[:64, :64]
    spot = 80.0 * (np.hypot(row - 30, column - 33) < 4)
    plain, bright, dark = (features(tissue + sign * spot) for sign in (0, 1, -1))
    half = COUNT // 2
    assert (bright - plain)[:half].max() > 1
    assert (dark - plain)[half:].max() > 1


def test_features_do_not_follow_the_size_of_the_grid() -> None:
    small = next(iter(lesion_phantoms.phantoms("b", 1))).pixels
    large = np.kron(small, np.ones((8, 8)))
    assert np.allclose(features(small), features(large))


def test_an_image_without_tissue_has_no_features() -> None:
    assert not features(np.full((64, 64), -1000.0)).any()


def test_a_patient_is_learned_from_or_tested_on_and_never_both(folder: Path) -> None:
    cohort = images.read((folder,))
    assert cohort.train.size + cohort.test.size == IMAGES
    assert 0 < cohort.test.size < cohort.train.size
    names = [str(dcmread(path).PatientID) for path in folder.glob("*.dcm")]
    assert sum(images.is_tested(name) for name in names) == cohort.test.size


def test_images_without_a_label_are_counted_and_left_alone(tmp_path: Path) -> None:
    paths = lesion_phantoms.write("a", tmp_path, 10)
    plain = dcmread(paths[0])
    plain.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    plain.save_as(paths[0])
    cohort = images.read((tmp_path,))
    assert (cohort.unlabelled, cohort.train.size + cohort.test.size) == (1, 9)


def test_a_data_set_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no labelled image"):
        images.read((tmp_path,))


def test_a_broken_image_is_refused_without_its_name(tmp_path: Path) -> None:
    (tmp_path / "PSEUDONYM-7.dcm").write_bytes(b"no image")
    with pytest.raises(Refused, match="cannot be read") as refused:
        images.read((tmp_path,))
    assert "PSEUDONYM" not in str(refused.value)


def test_the_manifest_of_a_frozen_data_set_stands_for_it(tmp_path: Path) -> None:
    lesion_phantoms.write("a", tmp_path, 1)
    assert images.manifest((tmp_path,)).startswith("images-sha256:")
    (tmp_path / "manifest.json").write_text("{}\n")
    digest = "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356"
    assert images.manifest((tmp_path,)) == f"sha256:{digest}"


def test_a_site_learns_and_tells_how_much_it_has(folder: Path) -> None:
    answer = site.answer(TRAIN, training(baseline=True), site.Place((folder,), "lung-ct"))
    assert answer.arrays["model"].shape == answer.arrays["alone"].shape == (model.SIZE,)
    assert answer.told["dataset"] == "lung-ct"
    assert answer.told["images"] == answer.told["patients"] == IMAGES
    assert answer.metrics["num-examples"] == answer.told["train"]


def test_a_site_tells_counts_of_scores_and_no_score(folder: Path) -> None:
    request = Request({"common": model.fresh()})
    answer = site.answer(EVALUATE, request, site.Place((folder,), ""))
    told = answer.metrics["common"]
    assert isinstance(told, list)
    assert sum(told) == images.read((folder,)).test.size
    assert not answer.arrays


def test_a_site_learns_from_no_broken_model(folder: Path) -> None:
    place = site.Place((folder,), "")
    for broken in (np.full(model.SIZE, np.nan), np.zeros(3)):
        with pytest.raises(Refused, match="no model of this app"):
            site.answer(TRAIN, Request({"model": broken}, training().config), place)


def test_a_site_that_asks_for_masks_sends_nothing_without(folder: Path) -> None:
    place = site.Place((folder,), "", site.Limits(masked=True))
    with pytest.raises(Refused, match="only with secure aggregation"):
        site.answer(TRAIN, training(privacy="dp"), place)


@pytest.mark.parametrize("config", [{"privacy": "none"}, {"privacy": "dp", "epsilon": 4.0}])
def test_a_site_that_asks_for_noise_sends_nothing_with_less(
    folder: Path, config: dict[str, object]
) -> None:
    place = site.Place((folder,), "", site.Limits(epsilon=3.0))
    with pytest.raises(Refused, match="epsilon 3 or less"):
        site.answer(TRAIN, training(**config), place)


def test_no_model_of_one_site_leaves_beside_a_protected_one(folder: Path) -> None:
    place = site.Place((folder,), "")
    answer = site.answer(TRAIN, training(privacy="dp", baseline=True), place)
    assert set(answer.arrays) == {"model"}


def test_a_key_masks_each_round_once(folder: Path) -> None:
    place, other = site.Place((folder,), ""), site.Place((folder,), "")
    keys = {f"key:{name}": site.answer(KEYS, Request(), one).told["key"]
            for name, one in (("a", place), ("b", other))}  # fmt: skip
    request = training(privacy="secagg", **keys)
    assert set(site.answer(TRAIN, request, place).arrays) == {"masked"}
    with pytest.raises(Refused, match="no unused key"):
        site.answer(TRAIN, request, place)
    with pytest.raises(Refused, match="has a key"):
        site.answer(KEYS, Request(), place)


def test_noise_costs_what_was_asked_for() -> None:
    noise = privacy.noise(3.0, 1e-5, rounds=4)
    assert privacy.spent(noise.multiplier, 4 * noise.steps, 1e-5) == pytest.approx(3.0)


@pytest.mark.parametrize(("epsilon", "delta"), [(0.0, 1e-5), (1e9, 1e-5), (3.0, 0.5)])
def test_noise_that_promises_nothing_is_refused(epsilon: float, delta: float) -> None:
    with pytest.raises(Refused, match="no protection"):
        privacy.noise(epsilon, delta, rounds=1)


def test_one_patient_moves_a_private_model_no_further_than_the_clip() -> None:
    chance = np.random.default_rng(2)
    x, y = chance.normal(size=(30, COUNT)), (chance.random(30) < 0.5).astype(float)
    patients = np.arange(30) // 3
    odd = x.copy()
    odd[patients == 9] = 1e6
    silent = model.Noise(steps=1, clip=1.0, multiplier=0.0)
    one, other = (
        model.trained_privately(model.fresh(), images.Part(each, y, patients), silent, chance)
        for each in (x, odd)
    )
    assert np.linalg.norm(one - other) <= 2 * model.RATE * silent.clip / 30


def test_the_area_under_the_curve_follows_from_counts() -> None:
    scores, y = np.array([-2.0, -1.0, 0.5, 1.5]), np.array([0.0, 1.0, 0.0, 1.0])
    told = metrics.figures(metrics.counts(scores, y))
    assert told["auc"] == 0.75
    assert (told["accuracy"], told["sensitivity"], told["images"]) == (0.5, 0.5, 4)


def test_there_is_no_area_without_both_kinds() -> None:
    told = metrics.figures(metrics.counts(np.ones(3), np.ones(3)))
    assert told["auc"] is None
    assert told["specificity"] is None
