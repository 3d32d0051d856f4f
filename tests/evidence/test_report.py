"""A report has a verdict on every question of the catalogue, or there is no report."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from cairn import house
from cairn.checks.registry import Moment
from cairn.checks.verdicts import Judgement, Verdict
from cairn.errors import EvidenceRefused, PolicyError
from cairn.evidence import build, canonical, formats, schema, verify
from cairn.spec.digest import digest_of
from evidence import samples

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cairn.evidence.build import Made
    from cairn.evidence.gather import Gathered


def test_every_check_is_asked_of_everybody_whom_it_concerns(made: Made) -> None:
    moments = [check.moment for check in made.report.checks]
    every = moments.count(Moment.EVERY)
    once = {moment: moments.count(moment) + every for moment in (Moment.SPEC, Moment.PLAN)}
    hosts = (moments.count(Moment.HOST) + every) * len(made.report.hosts)
    assert made.report.totals.questions == sum(once.values()) + hosts
    assert sum(made.report.totals.verdicts.values()) == made.report.totals.questions


def test_the_same_answers_give_the_same_bytes(tmp_path: Path) -> None:
    gathered = samples.gathered(tmp_path)
    once, again = (build.build(gathered) for _ in range(2))
    assert again.files == once.files
    assert formats.render(again) == formats.render(once)


def test_it_names_what_it_judged_by_digest(made: Made) -> None:
    basis = made.report.basis
    assert basis.spec == digest_of(made.files["spec.yaml"])
    assert basis.plan == digest_of(made.files["plan.json"])
    assert basis.evidence == digest_of(made.files["evidence.zip"])
    assert [one.name for one in basis.policies] == ["cairn"]


def test_a_question_has_the_worst_verdict_of_its_findings(tmp_path: Path) -> None:
    report = build.build(samples.gathered(tmp_path, tamper=samples.passwords_on)).report
    one = next(one for one in report.questions if one.check == "HST-01")
    assert one.verdict is Verdict.FAIL
    assert Verdict.PASS in {found.verdict for found in one.findings}


def test_a_host_question_rests_on_answers(made: Made) -> None:
    asked = [one for one in made.report.questions if one.moment is Moment.HOST]
    silent = [
        one.check for one in asked if not one.evidence and one.verdict is not Verdict.NOT_APPLICABLE
    ]
    assert silent == []


def _without(gathered: Gathered, moment: Moment, check: str) -> Gathered:
    rounds = {
        key: Judgement(one.node, tuple(f for f in one.findings if f.check != check))
        if key[0] is moment
        else one
        for key, one in gathered.rounds.items()
    }
    return replace(gathered, rounds=rounds)


@pytest.mark.parametrize(
    ("moment", "check"), [(Moment.HOST, "HST-03"), (Moment.SPEC, "GOV-01"), (Moment.HOST, "GOV-06")]
)
def test_a_lost_check_makes_no_report(tmp_path: Path, moment: Moment, check: str) -> None:
    gathered = _without(samples.gathered(tmp_path), moment, check)
    with pytest.raises(PolicyError, match=f"no report is made: .*no verdict on {check}"):
        build.build(gathered)


def test_a_host_that_nobody_asked_makes_no_report(tmp_path: Path) -> None:
    gathered = samples.gathered(tmp_path)
    rounds = {key: one for key, one in gathered.rounds.items() if key[0] is not Moment.HOST}
    with pytest.raises(PolicyError, match="no verdict on HST-01 host imaging-1"):
        build.build(replace(gathered, rounds=rounds))


def test_a_spec_that_changed_meanwhile_makes_no_report(tmp_path: Path) -> None:
    gathered = samples.gathered(tmp_path)
    gathered.document.path.write_text("kind: hub\n")
    with pytest.raises(PolicyError, match="was changed while the node was asked"):
        build.build(gathered)


def test_two_policy_folders_of_one_name_make_no_report(tmp_path: Path) -> None:
    gathered = samples.gathered(tmp_path)
    twice = replace(gathered.policy, bundles=gathered.policy.bundles * 2)
    with pytest.raises(PolicyError, match=r"both called cairn .*bundle\.yaml"):
        build.build(replace(gathered, policy=twice))


def more(value: dict[str, Any]) -> None:
    """Tell one pass more than there are."""
    value["totals"]["verdicts"]["pass"] += 1


def fewer(value: dict[str, Any]) -> None:
    """Leave out the last question, and count again."""
    gone = value["questions"].pop()
    value["totals"]["questions"] -= 1
    value["totals"]["findings"] -= len(gone["findings"])
    value["totals"]["verdicts"][gone["verdict"]] -= 1


def milder(value: dict[str, Any]) -> None:
    """Call a question passed whose finding failed."""
    one = next(one for one in value["questions"] if one["verdict"] == "fail")
    one["verdict"] = "pass"
    value["totals"]["verdicts"]["fail"] -= 1
    value["totals"]["verdicts"]["pass"] += 1


def loose(value: dict[str, Any]) -> None:
    """Rest on an answer that is not there."""
    value["questions"][-1]["evidence"] = [9999]


def unknown(value: dict[str, Any]) -> None:
    """Say something that no report says."""
    value["certified"] = True


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (more, r"pass: \d+ are told and \d+ are there"),
        (fewer, "no verdict on"),
        (milder, "its verdict is not that of its findings"),
        (loose, "rests on an answer that is not there"),
        (unknown, "certified: Extra inputs"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_a_report_that_does_not_add_up_is_not_read(
    made: Made, tmp_path: Path, spoil: Callable[[dict[str, Any]], None], why: str
) -> None:
    value = json.loads(made.files["report.json"])
    spoil(value)
    with pytest.raises(EvidenceRefused, match=why):
        verify.read(canonical.encode(value), tmp_path / "report.json")


def test_the_same_content_in_other_bytes_is_not_read(made: Made, tmp_path: Path) -> None:
    value = json.loads(made.files["report.json"])
    with pytest.raises(EvidenceRefused, match="canonical"):
        verify.read(json.dumps(value).encode(), tmp_path / "report.json")


def test_the_schema_is_the_committed_one_and_fits(made: Made) -> None:
    committed = json.loads((house.root() / schema.PAGE).read_text())
    assert committed == schema.schema(), "run `cairn schema --write`"
    jsonschema.Draft202012Validator.check_schema(committed)
    jsonschema.validate(json.loads(made.files["report.json"]), committed)
