"""The JSON Schema of a report, made from its model: for programs that read `report.json`."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from cairn.evidence.model import Report

#: Where it is committed, below the checkout.
PAGE = "docs/reference/report.v1.json"


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a report.

    That the sums add up to the catalogue is beyond it; `cairn report verify` looks at that.
    """
    made = Report.model_json_schema(mode="serialization")
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        **made,
        "title": "Report of a node, version 1",
    }
