"""The package schema that Pulumi asks a provider for, made from the resources themselves."""

from __future__ import annotations

import importlib.metadata
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cairn.provider.resource import Handler, Input

_ANY: dict[str, Any] = {"$ref": "pulumi.json#/Any"}
_SHAPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "array": {"type": "array", "items": _ANY},
    "object": {"type": "object", "additionalProperties": _ANY},
}


def schema_of(handlers: Mapping[str, Handler]) -> str:
    """Return the schema as JSON (Pulumi package schema: name, version, resources)."""
    resources = {token: _resource(handler.inputs) for token, handler in handlers.items()}
    version = importlib.metadata.version("cairn")
    return json.dumps({"name": "cairn", "version": version, "resources": resources})


def _resource(inputs: Mapping[str, Input]) -> dict[str, Any]:
    return {
        "inputProperties": {name: _SHAPES[one.type] for name, one in inputs.items()},
        "requiredInputs": [name for name, one in inputs.items() if one.required],
    }
