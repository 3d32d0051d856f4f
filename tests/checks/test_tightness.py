"""A later bundle tightens; what it loosens needs a waiver that counts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from cairn.checks import bundle, registry
from cairn.checks.parameters import load
from cairn.checks.tightness import is_as_tight
from cairn.errors import PolicyError

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 26)
OURS = "parameters:\n  - {name: days, value: 10, why: w, source: s, tighter: lower}\n"
WAIVER = "reason: the new array arrives in March, approved_by: dpo@hospital.example"


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        (10, 10, None),
        (10, 9, "lower"),
        (10, 11, "higher"),
        (0.5, 0.25, "lower"),
        ("1.2", "1.3", "higher"),
        ("1.9", "1.10", "higher"),
        (frozenset("abc"), frozenset("ab"), "fewer"),
        (frozenset("ab"), frozenset("abc"), "more"),
        ({"a": 1}, {"a": 2, "b": 0}, "higher"),
        ({"a": ["x", "y"]}, {"a": ["x"]}, "fewer"),
    ],
)
def test_what_asks_for_more_is_as_tight(before: object, after: object, way: str | None) -> None:
    assert is_as_tight(before, after, way)


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        (10, 9, None),
        (10, 11, "lower"),
        (10, 9, "higher"),
        (10, "9", "lower"),
        (1, True, "higher"),
        ("1.3", "1.2", "higher"),
        ("1.2", "newest", "higher"),
        (frozenset("ab"), frozenset("abc"), "fewer"),
        (frozenset("ab"), frozenset("xyz"), "more"),
        (frozenset("ab"), 3, "fewer"),
        ({"a": 1, "b": 1}, {"a": 2}, "higher"),
        ({"a": 2}, {"a": 1}, "higher"),
        ({"a": ["x"]}, {"a": ["x", "y"]}, "fewer"),
    ],
)
def test_what_asks_for_less_or_cannot_be_compared_is_looser(
    before: object, after: object, way: str | None
) -> None:
    assert not is_as_tight(before, after, way)


def both(folder: Path, entry: str) -> list[Path]:
    """Write our file and one that is laid over it."""
    first, second = folder / "ours.yaml", folder / "theirs.yaml"
    first.write_text(OURS)
    second.write_text(f"parameters:\n  - {{name: days, {entry}, why: w, source: s}}\n")
    return [first, second]


def test_a_tighter_value_wins(tmp_path: Path) -> None:
    found = load(both(tmp_path, "value: 5"), TODAY)
    assert found.number("days") == 5
    assert found.loosened == ()


def test_a_looser_value_is_refused_with_the_value_before(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"theirs\.yaml: parameter `days` is looser .*\(10\)"):
        load(both(tmp_path, "value: 20"), TODAY)


def test_a_later_bundle_cannot_turn_the_way_round(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="is looser"):
        load(both(tmp_path, "value: 20, tighter: higher"), TODAY)


def test_a_looser_value_counts_on_a_waiver_and_is_told(tmp_path: Path) -> None:
    entry = f"value: 20, waiver: {{{WAIVER}, expires: 2027-03-31}}"
    found = load(both(tmp_path, entry), TODAY)
    assert found.number("days") == 20
    (one,) = found.loosened
    assert (one.name, one.before, one.after) == ("days", "10", "20")
    assert one.approved_by == "dpo@hospital.example"


@pytest.mark.parametrize(
    ("waiver", "told"),
    [
        (f"{WAIVER}, expires: 2026-11-25", "expired on 2026-11-25"),
        (f"{WAIVER}, expires: 2027-11-27", "longer than 365 days"),
        (f"{WAIVER}, expires: soon", "expires is no day"),
        (f"{WAIVER}, expires: 2027-03-31 12:00:00", "expires is no day"),
        (WAIVER, "needs exactly reason"),
        ("reason: short, approved_by: d@h.example, expires: 2027-03-31", "fewer than 20"),
        (f"{WAIVER.replace('@', ' at ')}, expires: 2027-03-31", "no mail address"),
    ],
)
def test_a_waiver_that_does_not_count_is_refused(tmp_path: Path, waiver: str, told: str) -> None:
    with pytest.raises(PolicyError, match=told):
        load(both(tmp_path, f"value: 20, waiver: {{{waiver}}}"), TODAY)


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle of thresholds alone that asks for logs of two years, named with its digest."""
    (tmp_path / "controls").mkdir()
    (tmp_path / "controls" / "parameters.yaml").write_text(
        "parameters:\n  - {name: log_keep_days, value: 730, why: w, source: s}\n"
    )
    monkeypatch.setenv("CAIRN_POLICIES", f"{tmp_path}@{bundle.read(tmp_path).digest}")
    return tmp_path


def test_a_bundle_of_the_digest_that_is_asked_for_is_in_force(theirs: Path) -> None:
    found = registry.load(bundle.folders())
    assert found.bundles[-1].folder == theirs
    assert found.parameters.number("log_keep_days") == 730


def test_a_bundle_of_another_digest_is_refused(theirs: Path) -> None:
    (theirs / "controls" / "more.yaml").write_text("framework: X\ncontrols: []\n")
    with pytest.raises(PolicyError, match=r"has digest sha256:.* asks for sha256:"):
        registry.load(bundle.folders())


@pytest.mark.parametrize("pin", ["sha256:", "sha256:abc", "sha256:" + "0" * 64])
def test_a_digest_cut_short_is_refused(
    theirs: Path, monkeypatch: pytest.MonkeyPatch, pin: str
) -> None:
    monkeypatch.setenv("CAIRN_POLICIES", f"{theirs}@{pin}")
    with pytest.raises(PolicyError, match="asks for"):
        bundle.folders()


@pytest.mark.parametrize("pin", ["", "md5:abc", "abc"])
def test_what_is_no_digest_is_not_read_as_none(
    theirs: Path, monkeypatch: pytest.MonkeyPatch, pin: str
) -> None:
    monkeypatch.setenv("CAIRN_POLICIES", f"{theirs}@{pin}")
    with pytest.raises(PolicyError):
        registry.load(bundle.folders())


def test_the_first_bundle_without_checks_is_refused(theirs: Path) -> None:
    with pytest.raises(PolicyError, match="has no checks"):
        registry.load([theirs])
