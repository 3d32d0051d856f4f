"""What the intake believes of an archive's answers, and what it does about the others."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from cairn_intake.archive import Archive, Unavailable
from cairn_intake.deidentify import Clean
from cairn_intake.refusals import Refused
from intake.archives import Answers, archive
from intake.phantoms import slice_of_ct, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intake.archives import Archive as Server


@pytest.fixture
def kept() -> Iterator[Server]:
    with archive() as server:
        yield server


def image(**wishes: object) -> Clean:
    return Clean((written(slice_of_ct(SOPInstanceUID="1.2.3.4.9", **wishes)),), ())


def test_an_image_is_stored_once_and_the_same_again_is_fine(kept: Server) -> None:
    one = Archive(kept.url, "intake", "made up")
    one.store(image())
    one.store(image())
    assert kept.posts == ["1.2.3.4.9", "1.2.3.4.9"]
    with pytest.raises(Refused, match="other-content"):
        one.store(image(PixelData=bytes(128)))


def test_a_connection_that_the_archive_closed_in_between_is_opened_again(
    kept: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answers, "timeout", 0.1)
    one = Archive(kept.url, "intake", "made up")
    one.store(image())
    time.sleep(0.5)
    one.store(image())
    assert len(kept.posts) == 2


@pytest.mark.parametrize("status", [401, 403, 500, 503, 507])
def test_an_answer_that_is_no_confirmation_lets_the_image_wait(kept: Server, status: int) -> None:
    kept.status = status
    with pytest.raises(Unavailable, match=str(status)):
        Archive(kept.url, "intake", "made up").store(image())


def test_an_image_that_the_archive_cannot_read_is_held_back(kept: Server) -> None:
    kept.status = 400
    with pytest.raises(Refused, match="archive-refused"):
        Archive(kept.url, "intake", "made up").store(image())


def test_an_archive_that_does_not_let_us_compare_gets_nothing_believed(
    kept: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answers, "do_GET", lambda self: self._answer(403, ""))
    one = Archive(kept.url, "intake", "made up")
    one.store(image())
    with pytest.raises(Refused, match="not-compared"):
        one.store(image())


def test_nobody_at_the_door_is_no_confirmation() -> None:
    with pytest.raises(Unavailable, match="ConnectionRefused"):
        Archive("http://127.0.0.1:9", "intake", "made up").store(image())
