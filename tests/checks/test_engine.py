"""The engine never takes silence for an answer."""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING

import pytest

from cairn.checks import engine
from cairn.checks.verdicts import Verdict
from cairn.errors import PlanRefused, PolicyError, VerifyFailed
from cairn.plan.model import Plan, PlannedHost
from checks.trials import document, one

if TYPE_CHECKING:
    from cairn.checks.verdicts import Evidence, Finding, Judgement
    from checks.trials import Maker

TODAY = date(2026, 11, 22)


def judged(catalogue: Maker, source: str, **values: object) -> Judgement:
    return engine.judge_spec(document(), today=TODAY, catalogue=catalogue(source, **values))


def verdict_of(catalogue: Maker, body: str) -> Finding:
    (found,) = judged(catalogue, one(body)).findings
    return found


def test_true_passes(catalogue: Maker) -> None:
    found = verdict_of(catalogue, "yield True, At(document.spec, 'a.b'), 'it is so'")
    assert (found.verdict, found.target, found.place) == (Verdict.PASS, "test-hub", "a.b")


def test_false_fails_and_blocks(catalogue: Maker) -> None:
    judgement = judged(catalogue, one("yield False, At(document.spec, 'a.b'), 'it is not so'"))
    assert [found.verdict for found in judgement.blocking] == [Verdict.FAIL]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return\nyield", "no answer"),
        ("return None", "returned NoneType"),
        ("return 3", "returned int"),
        ("yield None", "no verdict"),
        ("yield 1, At(document.spec), 'one is not True'", "no verdict"),
        ("yield 'pass', At(document.spec), 'a word is no verdict'", "no verdict"),
        ("yield True, At(document.spec), ''", "no verdict"),
        ("yield True, At(document.spec)", "no verdict"),
        ("yield True, 'somewhere', 'no place'", "no verdict"),
        ("yield Verdict.WAIVED, At(document.spec), 'waives itself'", "no verdict"),
        ("yield Verdict.PASS, 'passes without a place'", "no verdict"),
        ("yield True, At('another-host'), 'somebody else'", "not asked about"),
        ("yield True, At(document.spec), 'x'\nyield False, At(document.spec), 'x'", "two verdicts"),
        ("raise ValueError('hunter2')\nyield", "ValueError"),
        ("yield True, At(document.spec), 'x'\nraise KeyError('y')", "KeyError"),
        ("yield True, At(document.spec), str(1 / 0)", "ZeroDivisionError"),
        ("while True:\n    yield True, At(document.spec), 'again'", "does not come to an end"),
        ("yield NOT_EVALUATED, 'the file is gone'", "the file is gone"),
    ],
)
def test_whatever_is_no_answer_is_not_evaluated_and_blocks(
    catalogue: Maker, body: str, reason: str
) -> None:
    judgement = judged(catalogue, one(body))
    (found,) = judgement.blocking
    assert found.verdict is Verdict.NOT_EVALUATED
    assert reason in found.message


def test_the_message_of_a_broken_check_does_not_carry_what_it_looked_at(catalogue: Maker) -> None:
    found = verdict_of(catalogue, "raise ValueError('hunter2')\nyield")
    assert "hunter2" not in found.message


def test_a_broken_check_is_named_with_its_line(catalogue: Maker) -> None:
    found = verdict_of(catalogue, "raise ValueError('hunter2')\nyield")
    assert "made_up.py:" in found.message


@pytest.mark.parametrize("word", ["NOT_APPLICABLE", "MANUAL"])
def test_a_reason_alone_does_not_block(catalogue: Maker, word: str) -> None:
    judgement = judged(catalogue, one(f"yield {word}, 'the node has no such thing'"))
    assert not judgement.blocking
    assert judgement.counts[Verdict[word]] == 1


def test_a_check_for_others_is_not_applicable_with_the_reason(catalogue: Maker) -> None:
    source = one("yield False, At(document.spec), 'x'", applies='("T2", "T3")')
    (found,) = judged(catalogue, source).findings
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert "this node is hub" in found.message


def test_counts_add_up_to_the_findings(catalogue: Maker) -> None:
    source = one("yield True, At(document.spec), 'x'\nyield False, At(document.spec), 'y'")
    judgement = judged(catalogue, source + one("yield MANUAL, 'look'", "TST-02"))
    assert sum(judgement.counts.values()) == len(judgement.findings) == 3


def test_findings_stand_in_the_order_of_ids(catalogue: Maker) -> None:
    body = "yield True, At(document.spec), 'x'"
    judgement = judged(catalogue, one(body, "ZZZ-01") + one(body, "AAA-02") + one(body, "AAA-01"))
    assert [found.check for found in judgement.findings] == ["AAA-01", "AAA-02", "ZZZ-01"]


def test_two_judgements_of_one_document_are_equal(catalogue: Maker) -> None:
    loaded = catalogue(one("yield True, At(document.spec), 'x'"))
    first = engine.judge_spec(document(), today=TODAY, catalogue=loaded)
    assert first == engine.judge_spec(document(), today=TODAY, catalogue=loaded)


def test_a_lost_check_stops_the_engine(catalogue: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = catalogue(one("yield True, At(document.spec), 'x'"))
    monkeypatch.setattr(engine, "_ask", lambda *_: [])
    with pytest.raises(PolicyError, match="TST-01"):
        engine.judge_spec(document(), today=TODAY, catalogue=loaded)


def test_a_refusal_names_every_offender_with_remedy(catalogue: Maker) -> None:
    body = "yield False, At(document.spec, 'a.b'), 'it is not so'"
    judgement = judged(catalogue, one(body) + one(body, "TST-02"))
    with pytest.raises(PlanRefused) as caught:
        judgement.raise_if_blocked()
    told = str(caught.value)
    assert told.count("Put it right.") == 2
    assert "TST-02 (high, fail) test-hub: a.b: it is not so" in told


def test_a_live_host_refuses_with_the_error_of_its_moment(catalogue: Maker) -> None:
    judgement = judged(catalogue, one("yield False, At(document.spec), 'x'"))
    with pytest.raises(VerifyFailed):
        judgement.raise_if_blocked(VerifyFailed)


def test_a_check_gets_the_parameters_it_asks_for(catalogue: Maker) -> None:
    body = "yield limits.number('most') == 3, At(document.spec), 'x'"
    source = one(body, subject="document: Document, limits: Parameters")
    assert not judged(catalogue, source, most=3).blocking


@pytest.mark.parametrize("value", ["3", True, 3.5, None])
def test_a_parameter_of_the_wrong_type_is_not_evaluated(catalogue: Maker, value: object) -> None:
    body = "yield limits.number('most') == 3, At(document.spec), 'x'"
    source = one(body, subject="document: Document, limits: Parameters")
    (found,) = judged(catalogue, source, most=value).blocking
    assert "wrong type" in found.message


def test_a_missing_parameter_is_not_evaluated(catalogue: Maker) -> None:
    body = "yield limits.number('most') == 3, At(document.spec), 'x'"
    source = one(body, subject="document: Document, limits: Parameters")
    (found,) = judged(catalogue, source).blocking
    assert "no parameter `most`" in found.message


class Quiet:
    """A live host of the tests that is never asked anything."""

    name = "hub-1"
    evidence: tuple[Evidence, ...] = ()

    def __init__(self, capabilities: tuple[str, ...] = ()) -> None:
        self.plan = PlannedHost("hub-1", "debian-13", "local", False, capabilities, (), ())  # noqa: FBT003

    def afresh(self) -> Quiet:
        return self


def judged_host(catalogue: Maker, source: str, host: Quiet) -> Judgement:
    plan = Plan("test-hub", "hub", "staging", f"sha256:{64 * '0'}", (host.plan,))
    loaded = catalogue(source)
    return engine.judge_host(document(), plan, host.plan, host, today=TODAY, catalogue=loaded)


def test_a_host_check_that_hangs_is_given_up(catalogue: Maker) -> None:
    body = "import time\ntime.sleep(5)\nyield True, At(host), 'x'"
    source = one(body, subject="host: EvidenceHost", limit_s="0.1")
    started = time.monotonic()
    (found,) = judged_host(catalogue, source, Quiet()).blocking
    assert time.monotonic() - started < 2
    assert found.verdict is Verdict.NOT_EVALUATED
    assert "0.1 seconds" in found.message


def test_a_host_check_is_not_asked_of_a_machine_that_lacks_what_it_needs(catalogue: Maker) -> None:
    source = one(
        "yield False, At(host), 'x'", subject="host: EvidenceHost", needs='("kernel", "audit")'
    )
    (found,) = judged_host(catalogue, source, Quiet(("kernel",))).findings
    assert (found.verdict, found.target) == (Verdict.NOT_APPLICABLE, "hub-1")
    assert "lacks audit" in found.message
