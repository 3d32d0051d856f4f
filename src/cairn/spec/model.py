"""What every part of a spec has in common: nothing unknown, nothing changed after loading."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Declared(BaseModel):
    """A map of a spec: unknown keys are errors, values never change, errors never echo input.

    Attribute docstrings become the descriptions of the JSON Schema (see `docstrings`), so each is
    written for the person who fills the key in.
    """

    model_config = ConfigDict(
        allow_inf_nan=False,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )
