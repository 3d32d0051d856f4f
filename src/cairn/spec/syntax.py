"""What libyaml says about text that is no YAML, in words for somebody who fills in a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import yaml

#: Beginning of libyaml's message (scanner.c, parser.c) to ours. None repeats what the file holds.
_MESSAGES = (
    (
        "mapping values are not allowed",
        ("a `:` stands where no key can be; check the indentation, or put the text in quotes"),
    ),
    (
        "block sequence entries are not allowed",
        "a list item cannot begin here; check the indentation",
    ),
    ("block mapping entries are not allowed", "a key cannot begin here; check the indentation"),
    (
        "did not find expected key",
        ("this line does not fit under the one above; check the indentation, quotes and brackets"),
    ),
    ("could not find expected ':'", "the `:` after a key is missing; write `key: value`"),
    (
        "did not find expected '-' indicator",
        "this line does not fit into the list above; check the indentation",
    ),
    (
        "did not find expected ',' or ']'",
        "this list is not closed; check the commas and the `]`",
    ),
    ("did not find expected ',' or '}'", "this map is not closed; check the commas and the `}`"),
    ("did not find expected node content", "a value is missing here; check commas and brackets"),
    ("found unexpected end of stream", "a quote is opened and never closed; close it"),
    ("found unexpected document indicator", "a quote is opened and never closed; close it"),
    (
        "found unknown escape character",
        "this escape is unknown between double quotes; use single quotes",
    ),
    (
        "did not find expected hexdecimal number",
        "this escape is not complete; use single quotes",
    ),
    (
        "did not find expected alphabetic",
        "a name must follow `&` or `*`; put the value in quotes",
    ),
    ("found undefined tag handle", "tags (`!`) are not allowed; write the plain value"),
    ("did not find expected tag URI", "tags (`!`) are not allowed; write the plain value"),
    ("did not find expected '!'", "tags (`!`) are not allowed; write the plain value"),
    (
        "did not find expected <document start>",
        ("text follows where the document has ended; check the indentation, brackets and quotes"),
    ),
    (
        "found incompatible YAML document",
        "this YAML version is unknown; remove the `%YAML` line",
    ),
    ("found duplicate %", "this directive is given twice; remove the `%` lines"),
    ("found unknown directive", "this directive is unknown; remove the `%` line"),
    ("found a tab character", "a tab stands in the indentation; indent with spaces"),
    ("exceeded maximum", "nested too deeply; a spec has at most 6 levels"),
)
_OTHERWISE = "this cannot be read as YAML; check indentation, quotes and brackets"
_TAB = "a tab stands in the indentation; indent with spaces"
_START = "a value cannot begin with this character; put the value in quotes"


def syntax_fault(error: yaml.MarkedYAMLError, line: str, column: int) -> str:
    """Return what is wrong and what to do.

    Args:
        error: As libyaml gave it.
        line: The line it points to.
        column: The character in the line, from 0.
    """
    said = error.problem or ""
    if "\t" in line[: len(line) - len(line.lstrip())] or line[column : column + 1] == "\t":
        return _TAB
    if said.startswith("found character that cannot start any token"):
        return _START
    for beginning, message in _MESSAGES:
        if said.startswith(beginning):
            return message
    return _OTHERWISE
