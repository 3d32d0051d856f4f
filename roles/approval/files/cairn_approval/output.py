"""What may leave the node: a reply is read as if its author meant harm, then held against the spec.

Only what Flower's records are made of passes: arrays of numbers, metrics, and configuration.
"""

from __future__ import annotations

import io
import json
import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, MetricRecord, RecordDict
from flwr.common import serde
from flwr.proto.recorddict_pb2 import RecordDict as Proto
from google.protobuf.message import DecodeError

from cairn_account.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

#: Longest first line of an answer, and longest header of an array (NumPy's own limit).
HEAD: Final = 4096
HEADER: Final = 10000
#: Kinds of numbers that an array may hold: true or false, whole, unsigned, and real ones.
KINDS: Final = "biuf"
#: Words under which an app tells how many samples it used.
SAMPLES: Final = ("num-examples", "num_examples")


def parted(answer: bytes) -> tuple[bytes, bytes]:
    """Return content and state of an answer of the cell.

    Raises:
        Refused: The app broke, or the answer is none.
    """
    line, _, rest = answer.partition(b"\n")
    try:
        head = json.loads(line[:HEAD])
        if "broke" in head:
            raise Refused(f"the app broke: {_plain(str(head['broke']))}")
        cut, end = head["content"], head["content"] + head["state"]
        if (type(cut), type(end)) == (int, int) and 0 <= cut <= end == len(rest):
            return rest[:cut], rest[cut:]
    except (ValueError, KeyError, TypeError):
        pass
    raise Refused("the app gave no answer that can be read")


def record(data: bytes) -> RecordDict:
    """Return the records in some bytes.

    Raises:
        Refused: They are none.
    """
    try:
        return serde.recorddict_from_proto(Proto.FromString(data))
    except (DecodeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused(f"the app's answer holds no records ({type(error).__name__})") from None


def judge(reply: RecordDict, asked: RecordDict, rules: Mapping[str, Any]) -> None:
    """Hold a reply against what the spec lets leave, and against what was asked.

    Args:
        reply: What the app gave.
        asked: Content of the message that it answers.
        rules: `output` of the spec.

    Raises:
        Refused: It must not leave.
    """
    for name, one in reply.items():
        kind = "numpy" if isinstance(one, ArrayRecord) else "json"
        if kind not in rules["types"]:
            raise Refused(f"`{_plain(name)}` is {kind}, which the spec does not let leave")
        if isinstance(one, ArrayRecord):
            for key, array in one.items():
                _judge_numbers(f"{_plain(name)}/{_plain(key)}", numbers(array, name, key))
            _judge_shape(_plain(name), one, asked.get(name))
        else:
            _judge_values(_plain(name), one, bytes_too=rules["secure_aggregation"])


def numbers(array: Array, name: str, key: str) -> NDArray[Any]:
    """Return the numbers of an array without unpickling anything.

    Raises:
        Refused: It is no NumPy array of numbers, or not what it says it is.
    """
    place = f"array `{_plain(name)}/{_plain(key)}`"
    if array.stype != "numpy.ndarray":
        raise Refused(f"{place} is no array of NumPy")
    try:
        found: NDArray[Any] = np.load(
            io.BytesIO(array.data), allow_pickle=False, max_header_size=HEADER
        )
    except (ValueError, OSError, EOFError, MemoryError, TypeError, SyntaxError):
        raise Refused(f"{place} cannot be read") from None
    if not isinstance(found, np.ndarray) or found.dtype.kind not in KINDS:
        raise Refused(f"{place} holds something else than numbers")
    if (str(found.dtype), found.shape) != (array.dtype, tuple(array.shape)):
        raise Refused(f"{place} is not what it says it is")
    return found


def samples(reply: RecordDict) -> int | None:
    """Return how many samples the app says that it used."""
    for one in reply.values():
        if isinstance(one, MetricRecord):
            for word in SAMPLES:
                value = one.get(word)
                if isinstance(value, int | float) and 0 <= value < 2**53:
                    return int(value)
    return None


def _judge_numbers(place: str, array: NDArray[Any]) -> None:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise Refused(f"array `{place}` holds NaN or infinity")


def _judge_shape(name: str, reply: ArrayRecord, asked: object) -> None:
    """A record that came in under the same name must go out with the same arrays and shapes."""
    if not isinstance(asked, ArrayRecord):
        return
    came = {key: tuple(one.shape) for key, one in asked.items()}
    goes = {key: tuple(one.shape) for key, one in reply.items()}
    if came != goes:
        raise Refused(f"`{name}` has other arrays or shapes than the model that was sent")


def _judge_values(name: str, one: MetricRecord | ConfigRecord, *, bytes_too: bool) -> None:
    for value in _flat(one):
        if isinstance(value, float) and not math.isfinite(value):
            raise Refused(f"`{name}` holds NaN or infinity")
        if isinstance(value, bytes) and not bytes_too:
            raise Refused(
                f"`{name}` holds bytes, which leave only where the spec has "
                "fl_agent.output.secure_aggregation"
            )


def _flat(one: MetricRecord | ConfigRecord) -> Iterator[object]:
    for value in one.values():
        yield from value if isinstance(value, list) else [value]


def _plain(text: str) -> str:
    """Return a text of the app's as it may stand in a message."""
    return "".join(one if one.isascii() and one.isprintable() else "?" for one in text)[:160]
