"""The JSON Schema is committed as it is made, accepts what loads, and refuses what does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from cairn import house
from cairn.spec import source
from cairn.spec.node import SPEC_VERSION
from cairn.spec.schema import schema

if TYPE_CHECKING:
    from tests.spec.conftest import Declare

EXAMPLES = sorted((house.root() / "nodes").glob("*.yaml"))
SAMPLE = Path(__file__).parent / "fixtures" / "la-fe.yaml"


def faults(path: Path) -> list[Any]:
    """Return what the schema says about a spec, dates looked at as dates."""
    value = source.read(path.read_text(encoding="utf-8"), path.name).value
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return list(
        jsonschema.Draft202012Validator(schema(), format_checker=checker).iter_errors(value)
    )


def test_the_committed_schema_is_the_one_that_the_models_make() -> None:
    committed = house.root() / "docs" / "reference" / f"node-spec.v{SPEC_VERSION}.json"
    made = json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"

    assert committed.read_text(encoding="utf-8") == made, "run `cairn schema --write`"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())

    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", [*EXAMPLES, SAMPLE], ids=lambda path: path.stem)
def test_it_accepts_the_examples(path: Path) -> None:
    assert faults(path) == []


@pytest.mark.parametrize(
    "edit",
    [
        ("debian-13", "debian-9"),
        ("accepts", "acepts"),
        ("country: ES", "country: es"),
        ("size: 4 TiB", "size: 4000"),
        ("expires: 2027-03-31", "expires: 31.3.2027"),
        ("kind: data-provider", "kind: printer"),
        ("tier: 3", "tier: 4"),
        ("{existing: 10.20.0.12, user: cairn-admin}", "sandboxx"),
    ],
)
def test_it_refuses_what_the_loader_refuses(declare: Declare, edit: tuple[str, str]) -> None:
    assert faults(declare(edit))


def test_every_key_has_a_description_for_the_person_who_fills_it_in() -> None:
    silent = [
        f"{name}.{key}"
        for name, model in schema()["$defs"].items()
        for key, value in model.get("properties", {}).items()
        if not value.get("description")
    ]

    assert silent == []


def test_no_key_may_be_null() -> None:
    assert '"null"' not in json.dumps(schema())
