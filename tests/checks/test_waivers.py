"""A waiver excuses exactly one thing, and no more than it may."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from cairn.checks import engine
from cairn.checks.registry import Catalogue, load
from cairn.checks.verdicts import Verdict
from cairn.errors import PlanRefused
from cairn.house import root
from checks.trials import document, one, waiver

if TYPE_CHECKING:
    from cairn.checks.verdicts import Judgement
    from checks.trials import Maker

TODAY = date(2026, 11, 22)
WRONG = one("yield False, At(document.spec, 'a.b'), 'it is not so'")
RIGHT = one("yield True, At(document.spec, 'a.b'), 'it is so'")


class Judge(Protocol):
    def __call__(self, source: str, *waivers: dict[str, Any]) -> Judgement: ...


@pytest.fixture
def judged(catalogue: Maker) -> Judge:
    """Judge a made-up check together with the real check of waivers and its parameters."""
    real = load([root() / "policies"])
    hygiene = real.find("GOV-06")

    def judge(source: str, *waivers: dict[str, Any]) -> Judgement:
        made = Catalogue((*catalogue(source).checks, hygiene), real.parameters)
        return engine.judge_spec(document(*waivers), today=TODAY, catalogue=made)

    return judge


def verdicts(judgement: Judgement) -> dict[str, Verdict]:
    return {found.check: found.verdict for found in judgement.findings}


def test_a_waiver_excuses_a_failure_and_keeps_its_message(judged: Judge) -> None:
    judgement = judged(WRONG, waiver("TST-01"))
    first = judgement.findings[0]
    assert verdicts(judgement) == {"TST-01": Verdict.WAIVED, "GOV-06": Verdict.PASS}
    assert first.message.startswith("it is not so (waived until 2027-01-31 by dpo@")


def test_a_waiver_on_its_last_day_still_counts(judged: Judge) -> None:
    assert not judged(WRONG, waiver("TST-01", expires="2026-11-22")).blocking


@pytest.mark.parametrize(
    ("source", "changes", "fault"),
    [
        (WRONG, {"expires": "2026-11-21"}, "expired"),
        (WRONG, {"expires": "2028-11-21"}, "longer than 365 days"),
        (WRONG, {"host": "hub-1"}, "excuses nothing"),
        (WRONG, {"host": "hub-9"}, "no host hub-9"),
        (RIGHT, {}, "excuses nothing"),
        (WRONG, {"check": "TST-99"}, "no check TST-99"),
    ],
)
def test_a_waiver_that_is_not_in_order_fails_itself(
    judged: Judge, source: str, changes: dict[str, str], fault: str
) -> None:
    judgement = judged(source, waiver("TST-01", **changes))
    (found,) = [found for found in judgement.findings if found.check == "GOV-06"]
    assert found.verdict is Verdict.FAIL
    assert fault in found.message


@pytest.mark.parametrize("changes", [{"expires": "2026-11-21"}, {"host": "hub-1"}])
def test_a_waiver_that_does_not_count_leaves_the_failure(
    judged: Judge, changes: dict[str, str]
) -> None:
    assert verdicts(judged(WRONG, waiver("TST-01", **changes)))["TST-01"] is Verdict.FAIL


def test_some_checks_cannot_be_waived(judged: Judge) -> None:
    source = one("yield False, At(document.spec), 'x'", waivable="False")
    judgement = judged(source, waiver("TST-01"))
    assert verdicts(judgement) == {"TST-01": Verdict.FAIL, "GOV-06": Verdict.FAIL}


def test_a_critical_check_is_waived_for_a_shorter_time_only(judged: Judge) -> None:
    source = WRONG.replace("Severity.HIGH", "Severity.CRITICAL")
    with pytest.raises(PlanRefused, match="longer than 90 days"):
        judged(source, waiver("TST-01", expires="2027-03-31")).raise_if_blocked()


def test_a_waiver_of_a_later_moment_is_not_called_unused_early(judged: Judge) -> None:
    source = RIGHT + one("yield True, At(host), 'x'", "TST-02", subject="host: EvidenceHost")
    assert not judged(source, waiver("TST-02", host="hub-1")).blocking


def test_a_waiver_of_a_host_check_names_its_host(judged: Judge) -> None:
    source = RIGHT + one("yield True, At(host), 'x'", "TST-02", subject="host: EvidenceHost")
    with pytest.raises(PlanRefused, match="the waiver names none"):
        judged(source, waiver("TST-02")).raise_if_blocked()


def test_the_check_of_waivers_cannot_be_waived(judged: Judge) -> None:
    judgement = judged(RIGHT, waiver("GOV-06"))
    assert verdicts(judgement)["GOV-06"] is Verdict.FAIL
