"""The pack is whole: what is wanted is listed, and what is asked has a source."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from cairn.checks import registry
from cairn.checks.parameters import Parameters
from cairn.house import root

POLICIES = root() / "policies"
CATALOGUE = registry.catalogue()
CONTROLS: list[dict[str, Any]] = yaml.safe_load(
    (POLICIES / "controls" / "catalogue.yaml").read_text()
)["controls"]
PARAMETERS: list[dict[str, Any]] = yaml.safe_load(
    (POLICIES / "controls" / "parameters.yaml").read_text()
)["parameters"]
ASKED = {"automated", "partial"}
SOURCES = {file.name: file.read_text() for file in (POLICIES / "checks").glob("*.py")}
USED = set(
    re.findall(
        r'limits\.(?:number|fraction|text|words|table)\("(\w+)"\)', "".join(SOURCES.values())
    )
)
USED |= {"waiver_longest_days", "waiver_longest_days_critical"}  # chosen by severity


def families(clauses: list[str]) -> set[str]:
    """Return each clause by itself, with the family that it belongs to."""
    found = set()
    for clause in clauses:
        family, _, rest = clause.partition(" ")
        found |= {clause, *(f"{family} {part}" for part in rest.split())}
    return found


def test_every_id_is_listed_once() -> None:
    ids = [one["id"] for one in CONTROLS]
    assert len(ids) == len(set(ids))


def test_what_is_called_automated_is_asked_and_the_reverse() -> None:
    assert {one["id"] for one in CONTROLS if one["status"] in ASKED} == {
        one.id for one in CATALOGUE.checks
    }


@pytest.mark.parametrize("control", CONTROLS, ids=lambda one: str(one["id"]))
def test_every_line_has_a_status_and_the_reason_it_needs(control: dict[str, Any]) -> None:
    assert control["status"] in ASKED | {"manual", "later"}
    assert control["status"] == "automated" or control["reason"]
    assert control["status"] in ASKED or {"title", "moment", "clauses"} <= set(control)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda one: str(one["id"]))
def test_a_mark_of_doubt_belongs_to_a_clause_that_is_named(control: dict[str, Any]) -> None:
    check = CATALOGUE.find(control["id"])
    clauses = list(check.supports) if check else control["clauses"]
    assert set(control.get("unverified", ())) <= families(clauses)


def test_the_parameters_are_those_that_checks_use() -> None:
    assert set(CATALOGUE.parameters.values) == USED


@pytest.mark.parametrize("entry", PARAMETERS, ids=lambda one: str(one["name"]))
def test_every_parameter_says_why_and_where_it_comes_from(entry: dict[str, Any]) -> None:
    assert len(entry["why"].split()) > 3
    assert len(entry["source"]) > 5


def test_the_countries_are_thirty() -> None:
    assert len(CATALOGUE.parameters.words("countries_eu_eea")) == 30


def test_no_country_was_read_as_a_truth_value() -> None:
    assert "NO" in CATALOGUE.parameters.words("countries_eu_eea")


@pytest.mark.parametrize("name", SOURCES)
def test_no_threshold_is_hidden_in_the_code_of_a_check(name: str) -> None:
    numbers = re.findall(r"(?<![\w.\"'#/:-])[1-9][0-9]{2,}(?![\w.])", _code(SOURCES[name]))
    ports_and_units = {"443", "123", "1000", "255", "512", "256", "86_400"}
    assert set(numbers) <= ports_and_units


def _code(source: str) -> str:
    """Return the source without comments, docstrings and longer texts."""
    return re.sub(r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"[^"\n]*"|#[^\n]*', "", source)


def test_a_check_without_its_parameters_says_so() -> None:
    with pytest.raises(Exception, match="no parameter"):
        Parameters().number("log_keep_days")
