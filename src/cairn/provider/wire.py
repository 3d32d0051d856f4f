"""Values between Pulumi's wire format and plain Python, unknown and secret ones included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

#: JSON values, UNKNOWN and Secret, nested at will.
Values = dict[str, Any]

#: The wire carries numbers as IEEE 754 doubles, which hold whole numbers exactly up to here.
_LARGEST_WHOLE = 2**53
_SIGNATURE: Final = rpc._special_sig_key  # noqa: SLF001 - the SDK publishes it nowhere else
_SECRET: Final = rpc._special_secret_sig  # noqa: SLF001
_OUTPUT: Final = rpc._special_output_value_sig  # noqa: SLF001


class Unknown:
    """A value that is known only after the change; there is one instance, `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that Pulumi keeps encrypted; it never shows itself."""

    value: Any = field(repr=False)


def load(struct: struct_pb2.Struct) -> Values:
    """Return what a message carries.

    Raises:
        ValueError: It carries a file, an archive or a reference, which no resource here takes.
    """
    return {name: _load(value) for name, value in struct.fields.items()}


def _load(value: struct_pb2.Value) -> Any:  # noqa: ANN401 - any value
    match value.WhichOneof("kind"):
        case "string_value":
            return UNKNOWN if value.string_value == rpc.UNKNOWN else value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_load(inner) for inner in value.list_value.values]
        case "struct_value":
            return _load_map(value.struct_value)
    return None


def _load_map(struct: struct_pb2.Struct) -> Any:  # noqa: ANN401 - a map or what it stands for
    fields = struct.fields
    if _SIGNATURE not in fields:
        return load(struct)
    signature = fields[_SIGNATURE].string_value
    if signature == _SECRET:
        return Secret(_load(fields["value"]))
    if signature == _OUTPUT:
        inner = _load(fields["value"]) if "value" in fields else UNKNOWN
        return Secret(inner) if "secret" in fields and fields["secret"].bool_value else inner
    raise ValueError("files, archives and references to resources are not taken; give a text")


def dump(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return a message that carries the values.

    Raises:
        TypeError: A value has no form on the wire.
        ValueError: A whole number is too large to travel exactly.
    """
    return struct_pb2.Struct(fields={name: _dump(value) for name, value in values.items()})


def _dump(value: Any) -> struct_pb2.Value:  # noqa: ANN401, PLR0911 - one return per kind of value
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case Unknown():
            return struct_pb2.Value(string_value=rpc.UNKNOWN)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() if abs(value) > _LARGEST_WHOLE:
            raise ValueError(f"{value} is too large to travel exactly; give it as a text")
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case list() | tuple():
            inner = [_dump(one) for one in value]
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=inner))
        case Secret():
            return _dump({_SIGNATURE: _SECRET, "value": value.value})
        case Mapping():
            return struct_pb2.Value(struct_value=dump(value))
    raise TypeError(f"{type(value).__name__} has no form on the wire")


def plain(value: Any) -> Any:  # noqa: ANN401 - any value
    """Return a value with the secrets in it laid open."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def has_unknown(value: Any) -> bool:  # noqa: ANN401 - any value
    """Tell whether something in a value is known only after the change."""
    return any(leaf is UNKNOWN for leaf in _leaves(plain(value)))


def has_secret(value: Any) -> bool:  # noqa: ANN401 - any value
    """Tell whether something in a value is secret."""
    return any(isinstance(leaf, Secret) for leaf in _leaves(value))


def secret_texts(value: Any) -> list[str]:  # noqa: ANN401 - any value
    """Return every text that stands inside a secret."""
    secrets = [leaf for leaf in _leaves(value) if isinstance(leaf, Secret)]
    return [text for leaf in secrets for text in _leaves(plain(leaf)) if isinstance(text, str)]


def _leaves(value: Any) -> list[Any]:  # noqa: ANN401 - any value
    if isinstance(value, dict):
        value = list(value.values())
    return (
        [leaf for inner in value for leaf in _leaves(inner)] if isinstance(value, list) else [value]
    )
