"""The JSON Schema of a spec, made from the models: what editors complete from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from cairn.spec.docstrings import docstrings
from cairn.spec.node import SPEC_VERSION, ComputeNode, DataProviderNode, HubNode

if TYPE_CHECKING:
    from pydantic_core import core_schema

    from cairn.spec.model import Declared

_ANY_KIND = Annotated[DataProviderNode | HubNode | ComputeNode, Field(discriminator="kind")]


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a spec of any kind.

    Sizes and days are text in it, as they are in a spec. What two parts of a spec say about each
    other (see `consistency`) is beyond it, so a spec that fits may still be refused.
    """
    made = TypeAdapter[Any](_ANY_KIND).json_schema(schema_generator=_InOrder)
    # An OpenAPI keyword that JSON Schema does not know; each kind names its own `const` anyway.
    del made["discriminator"]
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "title": f"Spec of a node, version {SPEC_VERSION}",
        "description": "One YAML file declares one node; `cairn check` says more than this can.",
        **made,
    }


class _InOrder(GenerateJsonSchema):
    """Keeps the order of the models, and says only what helps somebody who fills in a spec."""

    def sort(self, value: Any, parent_key: str | None = None) -> Any:  # noqa: ANN401, ARG002
        """Leave keys in the order of the models."""
        return value

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002
        """Leave out titles that only repeat the key."""
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Describe each key by the docstring under its attribute."""
        made = super().model_schema(schema)
        model: type[Declared] = schema["cls"]
        for key, text in docstrings(model).items():
            made["properties"][key]["description"] = text
        return made

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Leave out null: a key without a value is refused, whatever the model's default is."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leave out defaults of whole maps, which stand at their keys, and of absent values."""
        made = super().default_schema(schema)
        if made.get("default") is None or isinstance(made["default"], dict):
            made.pop("default", None)
        return made
