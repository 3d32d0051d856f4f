"""A report says what became better, worse or new since the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cairn.checks.verdicts import Verdict
from cairn.evidence import build, compare
from cairn.spec.digest import digest_of
from evidence import samples

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.evidence.build import Made


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        (None, Verdict.PASS, "new"),
        (Verdict.PASS, Verdict.PASS, "same"),
        (Verdict.PASS, Verdict.FAIL, "worse"),
        (Verdict.PASS, Verdict.NOT_EVALUATED, "worse"),
        (Verdict.FAIL, Verdict.WAIVED, "better"),
        (Verdict.NOT_EVALUATED, Verdict.FAIL, "worse"),
        (Verdict.PASS, Verdict.NOT_APPLICABLE, "other"),
        (Verdict.WAIVED, Verdict.PASS, "better"),
    ],
)
def test_a_change_is_better_or_worse(before: Verdict | None, now: Verdict, change: str) -> None:
    assert compare.change(before, now) == change


def before(made: Made) -> build.Before:
    return build.Before(made.report, digest_of(made.files["report.json"]))


def test_a_tampered_host_is_worse_and_only_there(tmp_path: Path, made: Made) -> None:
    later = samples.gathered(tmp_path, day=1, tamper=samples.passwords_on)
    report = build.build(later, before(made)).report
    changed = [(one.check, one.change) for one in report.questions if one.change != "same"]
    assert changed == [("HST-01", "worse")]
    assert report.number == 2
    assert report.previous is not None
    assert report.previous.digest == digest_of(made.files["report.json"])


def test_a_question_that_is_no_longer_asked_is_named() -> None:
    asked = {("HST-01", "host", "imaging-1"): Verdict.PASS, ("HST-02", "host", "old"): Verdict.PASS}
    assert compare.gone(asked, [("HST-01", "host", "imaging-1")]) == ("HST-02 host old",)
