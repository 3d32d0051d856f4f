"""One form of JSON for one content: the JSON Canonicalization Scheme (RFC 8785)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cairn.errors import EvidenceRefused

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel


def encode(value: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Return the canonical bytes of plain data; the same data give the same bytes."""
    import rfc8785  # noqa: PLC0415 - help needs none of it

    return rfc8785.dumps(value)


def of_model(model: BaseModel) -> bytes:
    """Return the canonical bytes of a model."""
    return encode(model.model_dump(mode="json"))


def decode(data: bytes, file: Path) -> Any:  # noqa: ANN401 - any JSON
    """Read JSON that has to be in the canonical form.

    Raises:
        EvidenceRefused: It is cut short, no JSON, or the same content in other bytes.
    """
    try:
        value = json.loads(data)
        canonical = encode(value)
    except (ValueError, RecursionError) as error:
        raise EvidenceRefused(f"{file}: is no JSON; it was cut short or altered") from error
    if canonical != data:
        raise EvidenceRefused(f"{file}: is not in canonical form (RFC 8785); it was altered")
    return value
