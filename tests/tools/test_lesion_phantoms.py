"""Phantoms say what they are, and come through the intake with their label and pixels."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import lesion_phantoms
import numpy as np
import pytest
from pydicom import dcmread

from intake.phantoms import cleaned, written

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset

SITES = sorted(lesion_phantoms.RECIPES)


def through_intake(dataset: Dataset, *options: str) -> Dataset:
    return dcmread(BytesIO(cleaned(dataset, *options)))


@pytest.mark.parametrize("site", SITES)
def test_a_phantom_comes_through_the_intake_with_label_and_pixels(site: str) -> None:
    for phantom in lesion_phantoms.phantoms(site, 4):
        made = lesion_phantoms.dataset(site, phantom)
        clean = through_intake(made, "clean-pixel-data", "clean-descriptors")
        assert clean.ImageType[3] == ("LESION" if phantom.sick else "NO_LESION")
        assert clean.PixelData == made.PixelData
        assert (clean.RescaleSlope, clean.RescaleIntercept) == (1, -1024)
        assert clean.QualityControlImage == "YES"
        assert clean.PatientID != made.PatientID


def test_two_runs_make_the_same_bytes(tmp_path: Path) -> None:
    one, other = (lesion_phantoms.write("a", tmp_path / run, 3) for run in ("1", "2"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_more_images_leave_the_earlier_ones_alone(tmp_path: Path) -> None:
    few, more = (lesion_phantoms.write("b", tmp_path / str(n), n) for n in (2, 5))
    assert few[1].read_bytes() == more[1].read_bytes()


def test_sites_differ_in_images_and_in_the_share_of_sick() -> None:
    first = [next(iter(lesion_phantoms.phantoms(site, 1))).pixels for site in SITES]
    assert not np.array_equal(first[0], first[1])
    shares = {sum(one.sick for one in lesion_phantoms.phantoms(site, 60)) for site in SITES}
    assert len(shares) == len(SITES)


def test_no_two_images_have_the_same_name(tmp_path: Path) -> None:
    paths = [path for site in SITES for path in lesion_phantoms.write(site, tmp_path / site, 20)]
    images = [dcmread(path, stop_before_pixels=True) for path in paths]
    assert len({image.SOPInstanceUID for image in images}) == len(paths)
    assert len({image.PatientID for image in images}) == len(paths)


def test_a_phantom_says_that_it_shows_nobody() -> None:
    made = lesion_phantoms.dataset("a", next(iter(lesion_phantoms.phantoms("a", 1))))
    assert made.QualityControlImage == "YES"
    assert "phantom" in str(made.PatientName).lower()
    assert len(written(made)) < 16_384


def test_an_unknown_site_ends_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no site `z`"):
        lesion_phantoms.main("z", str(tmp_path))
