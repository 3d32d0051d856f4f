"""What YAML can do and a spec must not is refused, each with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

FILLED_IN = "a template placeholder is never filled in here; write the value itself"
COLON = "a `:` stands where no key can be; check the indentation, or put the text in quotes"
DEEP = "nested deeper than 20 levels; a spec has at most 6"
BEGIN = "begin with `spec_version: 1`"

IN_PLACE_OF_STAGE = [
    ("stage: &a staging", "13:8: stage: anchors (`&`) are not allowed; write each value out"),
    ("stage: *a", "13:8: stage: aliases (`*`) are not allowed; write the value out"),
    ("stage: !!str staging", "13:8: stage: tags (`!`) are not allowed; write the plain value"),
    ("<<: {stage: staging}", "13:1: merge keys (`<<`) are not allowed; write the keys out"),
    ("stage: staging\nstage: x", "14:1: stage: is given twice, first on line 13; keep one"),
    ("stage: {{ stage }}", f"13:8: stage: {FILLED_IN}"),
    ('stage: "{{ stage }}"', f"13:8: stage: {FILLED_IN}"),
    ("stage: ${STAGE}", f"13:8: stage: {FILLED_IN}"),
    ("{{ key }}: staging", f"13:1: {FILLED_IN}"),
    ("stage: ~", "13:8: stage: has no value; give one, or remove the key"),
]
WHOLE_FILES = [
    ("", f"1:1: there is nothing here; {BEGIN}"),
    ("# nothing\n", f"1:1: there is nothing here; {BEGIN}"),
    ("- a\n", f"1:1: a spec is a map; {BEGIN}"),
    ("just text\n", f"1:1: a spec is a map; {BEGIN}"),
    ("a: 1\n---\nb: 1\n", "2:1: a second document begins here; keep one per file, without `---`"),
    ("name:\n\tkind: hub\n", "2:1: a tab stands in the indentation; indent with spaces"),
    ("name: [a,\nkind: hub\n", "1:7: this list is not closed; check the commas and the `]`"),
    ("name: [a\n\n", "1:7: this list is not closed; check the commas and the `]`"),
    ("name: {a: b\n\n", "1:7: this map is not closed; check the commas and the `}`"),
    ("name: 'la-fe\nkind: hub\n", "1:7: a quote is opened and never closed; close it"),
    ("name: la: fe\n", f"1:9: {COLON}"),
    ("spec_version: 1\r\nname: la: fe\r\n", f"2:9: {COLON}"),
    ("\ufeffname: la: fe\n", f"1:9: {COLON}"),
    ("name: @la-fe\n", "1:7: a value cannot begin with this character; put the value in quotes"),
    ('name: "\\q"\n', "1:8: this escape is unknown between double quotes; use single quotes"),
    ("name: *\n", "1:8: a name must follow `&` or `*`; put the value in quotes"),
    ("%YAML 3.0\n---\na: 1\n", "1:1: this YAML version is unknown; remove the `%YAML` line"),
    ("[" * 101, f"1:21: {DEEP}"),
    ("{a: " * 101, f"1:81: {DEEP}"),
    ("- " * 101 + "x\n", f"1:41: {DEEP}"),
    ("[" * 200_000, f"1:21: {DEEP}"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), IN_PLACE_OF_STAGE)
def test_a_power_of_yaml_is_refused_once(
    said: Callable[..., list[str]], line: str, expected: str
) -> None:
    assert said(("stage: staging", line)) == [f"la-fe.yaml:{expected}"]


@pytest.mark.parametrize(("text", "expected"), WHOLE_FILES, ids=lambda text: repr(text[:30]))
def test_a_file_that_is_no_map_of_keys_is_one_problem(
    said: Callable[..., list[str]], text: str, expected: str
) -> None:
    assert said(text=text) == [f"la-fe.yaml:{expected}"]


def test_keys_that_are_no_text_are_each_named(said: Callable[..., list[str]]) -> None:
    found = said(text="? [a]\n: 1\n7: 2\n~: 3\nspec_version: 2\n")

    assert found == [
        "la-fe.yaml:1:3: a key must be text, not a list or a map; check the braces and brackets",
        "la-fe.yaml:3:1: a key must be text; put it in quotes",
        "la-fe.yaml:4:1: a key must be text; put it in quotes",
        (
            "la-fe.yaml:5:15: spec_version: this release reads version 1; install a newer "
            "release of "
            "Cairn"
        ),
    ]


def test_a_number_of_many_digits_is_refused(said: Callable[..., list[str]]) -> None:
    assert said(("tier: 3", f"tier: {'9' * 5000}")) == [
        (
            "la-fe.yaml:12:9: federation.tier: this number has too many digits; put it in "
            "quotes if it "
            "is none"
        )
    ]
