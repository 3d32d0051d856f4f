"""The pages that people wrote, read once for all tests of the documents."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
GUIDE = sorted((DOCS / "guide").glob("*.md"))
RUNBOOKS = sorted((DOCS / "runbooks").glob("*.md"))
#: All pages but the reference, which is generated and compared where it is made.
PAGES = sorted(
    {
        *(ROOT / "README.md", ROOT / "CONTRIBUTING.md"),
        *DOCS.rglob("*.md"),
        *ROOT.glob("roles/*/*.md"),
        *ROOT.glob("federation/**/*.md"),
    }
    - set((DOCS / "reference").glob("*.md"))
)

_SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
_BLOCK = re.compile(r" {4,}\S")


def named(page: Path) -> str:
    """Return how a page is called in the output of a test."""
    return str(page.relative_to(ROOT))


def headings(page: Path, level: int = 2) -> list[str]:
    """Return the headings of one level in their order."""
    mark = "#" * level + " "
    return [line.removeprefix(mark) for line in _lines(page) if line.startswith(mark)]


def section(page: Path, heading: str) -> str:
    """Return what stands below a heading of the second level; KeyError if it is not there."""
    for part in page.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _, text = part.partition("\n")
        if title == heading:
            return text
    raise KeyError(heading)


def code(page: Path) -> list[str]:
    """Return every code span and every line of a code block, continued lines put together."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    blocks = [line.strip() for line in text.splitlines() if _BLOCK.match(line)]
    prose = "\n".join(line for line in text.splitlines() if not _BLOCK.match(line))
    return [*blocks, *(" ".join(span.split()) for span in _SPAN.findall(prose))]


def quotes(page: Path) -> list[str]:
    """Return the messages that a page quotes: its block quotes, lines put together."""
    found: list[str] = []
    before = ""
    for line in _lines(page):
        text = line.strip()
        if text.startswith("> ") and before.startswith("> "):
            found[-1] += f" {text[2:]}"
        elif text.startswith("> "):
            found.append(text[2:])
        before = text
    return found


def _lines(page: Path) -> list[str]:
    return page.read_text(encoding="utf-8").splitlines()
