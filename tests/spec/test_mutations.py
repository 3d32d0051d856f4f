"""However a spec is broken, it loads or is refused with places inside the file: never a traceback.

5,000 broken specs: half with damaged text (lines lost, doubled, swapped, shifted, cut, characters
and bytes put in), half with damaged values (keys lost, renamed, moved, values of other types).
"""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cairn import house
from cairn.errors import InvalidSpec
from cairn.spec import source
from cairn.spec.loader import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NODES = house.root() / "nodes"
SPECS = [path.read_text(encoding="utf-8") for path in sorted(NODES.glob("*.yaml"))]
VALUES = [source.read(text, "spec").value for text in SPECS]
LINES = re.compile(r"\r\n|\r|\n")
CANARY = "supersecretCANARY"
MANY = settings(
    max_examples=2500,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


#: Text that YAML, numbers, dates, paths or patterns may stumble over.
NASTY = st.one_of(
    st.sampled_from(
        ["yes", "NO", "~", "", "0o7", "1e999", "-.inf", ".nan", "1.10", "9" * 5000, "0000-00-00",
         "2027-02-30", "<<", "&a", "*a", "!!python/object:os.system", "{{ x }}", "[", "]", "{", "}",
         "|", ">", "%", "@", "`", "'", '"', "#", "- ", "? ", ": ", "---", "...", "\t", "\x00",
         "\u2028", "\u202e", "\ufeff", "\U0001f9ec", "0.0.0.0/0", "::/0", "fe80::1%x", "local",
         "../../etc/passwd", "/dev/zero", "999999 PiB", "0 B", CANARY, f"password={CANARY}",
         "a" * 300, "hosts", "name", "\r", "null", "٣"]
    ),
    st.text(max_size=12),
)  # fmt: skip
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), NASTY, st.just(10**400))
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NASTY, inner, max_size=3)),
    max_leaves=8,
)
LINE_ENDS = st.sampled_from(["\n", "\n", "\r\n"])
INDENTS = st.sampled_from(["", " ", "  ", "   ", "      ", "\t", "- ", "# "])
KINDS_OF_DAMAGE = st.sampled_from(["lose", "replace", "rename", "move"])


@st.composite
def damaged_text(draw: st.DrawFn) -> bytes:
    lines = draw(st.sampled_from(SPECS)).split("\n")
    for _ in range(draw(st.integers(1, 3))):
        damage = draw(st.sampled_from(DAMAGES))
        lines = damage(draw, lines) or [""]
    data = draw(LINE_ENDS).join(lines).encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(min_size=1, max_size=8)) + data[at:]
    return data


def _line(draw: st.DrawFn, lines: list[str]) -> int:
    return draw(st.integers(0, len(lines) - 1))


def _lose(draw: st.DrawFn, lines: list[str]) -> list[str]:
    at = _line(draw, lines)
    return lines[:at] + lines[at + draw(st.integers(1, 4)) :]


def _double(draw: st.DrawFn, lines: list[str]) -> list[str]:
    at = _line(draw, lines)
    return lines[: at + 1] + lines[at:]


def _swap(draw: st.DrawFn, lines: list[str]) -> list[str]:
    one, other = _line(draw, lines), _line(draw, lines)
    lines[one], lines[other] = lines[other], lines[one]
    return lines


def _shift(draw: st.DrawFn, lines: list[str]) -> list[str]:
    at = _line(draw, lines)
    indent = draw(INDENTS)
    lines[at] = indent + lines[at].lstrip()
    return lines


def _cut(draw: st.DrawFn, lines: list[str]) -> list[str]:
    text = "\n".join(lines)
    return text[: draw(st.integers(0, len(text)))].split("\n")


def _put_in(draw: st.DrawFn, lines: list[str]) -> list[str]:
    at = _line(draw, lines)
    column = draw(st.integers(0, len(lines[at])))
    lines[at] = lines[at][:column] + draw(NASTY) + lines[at][column:]
    return lines


def _replace_value(draw: st.DrawFn, lines: list[str]) -> list[str]:
    at = _line(draw, lines)
    lines[at] = re.sub(r"(: ?).*", lambda match: match[1] + draw(NASTY), lines[at], count=1)
    return lines


def _rename_key(draw: st.DrawFn, lines: list[str]) -> list[str]:
    at = _line(draw, lines)
    lines[at] = re.sub(r"[a-z_]+:", lambda _: draw(NASTY) + ":", lines[at], count=1)
    return lines


DAMAGES: list[Callable[[st.DrawFn, list[str]], list[str]]] = [
    _lose, _double, _swap, _shift, _cut, _put_in, _replace_value, _rename_key,
]  # fmt: skip


@st.composite
def damaged_values(draw: st.DrawFn) -> bytes:
    value = json.loads(json.dumps(draw(st.sampled_from(VALUES))))
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(value))
        above, key = places[draw(st.integers(0, len(places) - 1))]
        damage = draw(KINDS_OF_DAMAGE)
        old = above[key]
        if damage == "replace":
            above[key] = draw(ANYTHING)
            continue
        del above[key]
        if damage == "rename" and isinstance(above, dict):
            above[draw(NASTY) or f"{key}s"] = old
        elif damage == "move":
            value[str(key)] = old
        if not value:
            break
    return json.dumps(value, indent=1, ensure_ascii=draw(st.booleans())).encode(
        "utf-8", "surrogatepass"
    )


def _places(value: dict[str, Any] | list[Any]) -> Iterator[tuple[Any, Any]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(inside):
        yield value, key
        if isinstance(item, dict | list):
            yield from _places(item)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("nodes")
    shutil.copy(NODES / "demo.federation.json", made)
    return made


def refusal(folder: Path, data: bytes) -> InvalidSpec | None:
    """Load a spec; any other error than a refusal fails the test."""
    path = folder / "demo-hospital-a.yaml"
    path.write_bytes(data)
    try:
        load(path)
    except InvalidSpec as error:
        return error
    return None


def is_inside(data: bytes, line: int, column: int) -> bool:
    lines = LINES.split(data.decode("utf-8-sig", "replace"))
    return 1 <= line <= len(lines) and 1 <= column <= len(lines[line - 1]) + 1


def check(folder: Path, data: bytes) -> None:
    error = refusal(folder, data)
    if error is None:
        return
    assert error.problems
    for problem in error.problems:
        assert problem.file == str(folder / "demo-hospital-a.yaml")
        assert is_inside(data, problem.line, problem.column), problem
        assert "is not valid here" not in problem.message, "an error without words of its own"
        assert re.fullmatch(r"[^\n;]+[;?] ?[^\n]*", problem.message), problem.message
    # Grown together with other letters it is no word that anybody could know for a secret.
    assert not re.search(rf"(?<![A-Za-z0-9]){CANARY}", str(error))


@MANY
@given(data=damaged_text())
def test_damaged_text_is_refused_with_places_in_the_file(folder: Path, data: bytes) -> None:
    check(folder, data)


@MANY
@given(data=damaged_values())
def test_damaged_values_are_refused_with_places_in_the_file(folder: Path, data: bytes) -> None:
    check(folder, data)


@settings(MANY, max_examples=300)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_refused_with_places_in_the_file(folder: Path, data: bytes) -> None:
    error = refusal(folder, data)

    assert error is not None
    assert all(is_inside(data, problem.line, problem.column) for problem in error.problems)
