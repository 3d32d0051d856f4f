"""How pages are made: one file each, everything in it, and no network by its own policy."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

from cairn import house
from cairn.checks.verdicts import Verdict
from cairn.errors import RenderError

if TYPE_CHECKING:
    from pathlib import Path

#: Verdicts as a page orders them: what needs somebody first.
ORDER = (
    Verdict.FAIL,
    Verdict.NOT_EVALUATED,
    Verdict.WAIVED,
    Verdict.MANUAL,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)
#: A mark for each verdict, beside its word, so that nothing hangs on a colour.
MARKS = {
    Verdict.PASS: "✓",
    Verdict.FAIL: "✗",
    Verdict.WAIVED: "~",
    Verdict.NOT_APPLICABLE: "·",
    Verdict.NOT_EVALUATED: "?",
    Verdict.MANUAL: "»",
}
#: What every page with a script of its own begins with.
FILTERS = "filters.js"
WORDS = {verdict: verdict.replace("-", " ") for verdict in Verdict}


def fill(template: str, *, script: str = "", **settings: object) -> bytes:
    """Return a page of `templates/report/`, UTF-8.

    The page names the SHA-256 of its style and its script in a content security policy: a browser
    runs nothing else in it, whatever a host answered, and fetches nothing.

    Raises:
        RenderError: The template names something that is not there.
    """
    folder = house.root() / "templates" / "report"
    style = (folder / "page.css").read_text(encoding="utf-8")
    scripts = (FILTERS, script) if script else ()
    code = "".join((folder / name).read_text(encoding="utf-8") for name in scripts)
    try:
        text = _templates(folder).get_template(template).render(
            order=ORDER,
            marks=MARKS,
            words=WORDS,
            style=Markup(style),  # noqa: S704 - both are files of the checkout
            style_hash=_hash(style),
            script=Markup(code),  # noqa: S704
            script_hash=_hash(code),
            **settings,
        )  # fmt: skip
    except jinja2.TemplateError as error:
        raise RenderError(f"templates/report/{template}: {error.message}") from error
    return text.encode()


def _hash(text: str) -> str:
    """Return the source expression of an inline element (CSP Level 3, section 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _templates(folder: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
