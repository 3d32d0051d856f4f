"""Photographs a report in a real browser; run as `python tests/docs/screenshots.py REPORT`.

REPORT is the folder of a report of a rehearsal. It needs Debian's `chromium`.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from evidence.browser import browser  # noqa: E402 - the tests are no package

PICTURES = ROOT / "docs" / "pictures"


def main(report: Path) -> None:
    """Photograph the page, one answer on it, and the sheet."""
    with browser() as page:
        page.open((report / "report.html").resolve().as_uri(), 1000, 1100)
        page.photograph(PICTURES / "report.png")
        page.press("Tab")
        page.press("Enter")
        page.press("Tab")
        page.press(" ")
        page.ask("document.querySelector('.q:not([hidden])').open = true")
        page.ask("document.querySelector('.q:not([hidden]) details').open = true")
        page.ask("document.querySelector('.q:not([hidden])').scrollIntoView()")
        page.photograph(PICTURES / "report-answer.png")
        page.open((report / "data-protection.html").resolve().as_uri(), 820, 1200)
        page.photograph(PICTURES / "report-officer.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
