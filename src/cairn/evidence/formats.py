"""What can be made of a report: one line a format, each a pure function of the report."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cairn.evidence import archive

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cairn.evidence.build import Made
    from cairn.evidence.model import Report


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    Attributes:
        file: Name of the file.
        module: Module of `cairn.evidence` whose `render` makes it.
        what: What it is, for the help.
    """

    file: str
    module: str
    what: str


@dataclass(frozen=True, slots=True)
class Source:
    """What a format is made of: the report, and the text of each answer by its file name."""

    report: Report
    texts: dict[str, str]


FORMATS = {
    "html": Format("report.html", "html", "one page for people"),
    "officer": Format("data-protection.html", "officer", "one sheet in plain language"),
    "oscal": Format("oscal-results.json", "oscal_results", "OSCAL assessment results"),
    "oscal-component": Format("oscal-component.json", "oscal_component", "OSCAL component"),
    "sarif": Format("report.sarif", "sarif", "SARIF 2.1.0"),
    "junit": Format("report.junit.xml", "junit", "JUnit"),
}


def source(made: Made) -> Source:
    """Return what every format is made of."""
    packed = archive.unpack(made.files["evidence.zip"], Path("evidence.zip"))
    return Source(made.report, {name: text.decode() for name, text in packed.items()})


def render(made: Made, wanted: Iterable[str] = ()) -> dict[str, bytes]:
    """Return the files of the formats, by name; of all formats if none is named."""
    given = source(made)
    chosen = tuple(wanted) or tuple(FORMATS)
    return {FORMATS[name].file: _render(FORMATS[name].module, given) for name in chosen}


def _render(module: str, given: Source) -> bytes:
    made: bytes = importlib.import_module(f"cairn.evidence.{module}").render(given)
    return made
