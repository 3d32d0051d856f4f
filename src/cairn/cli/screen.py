"""The only place that knows rich: what people read on a terminal, and plain lines elsewhere.

Standard output carries the answer, standard error what happens meanwhile. Where standard output
is no terminal nothing is coloured and no line is wrapped, so that `grep` and `diff` work on it.
rich is imported when something is printed, not when a verb starts.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console, RenderableType
    from rich.text import Text

#: Width of a line where nobody's terminal gives one; long enough that nothing is wrapped.
ENDLESS = 100_000
#: Control characters but tab and line feed, each shown as its Unicode picture or as U+FFFD.
_CONTROLS = {
    **{code: 0x2400 + code for code in range(32) if code not in (9, 10)},
    127: 0x2421,
    **dict.fromkeys(range(128, 160), 0xFFFD),
}
#: How a verdict looks: its mark, its mark without Unicode, and its colour.
VERDICTS: dict[str, tuple[str, str, str]] = {
    "pass": ("✓", "ok", "green"),
    "fail": ("✗", "X", "bold red"),
    "waived": ("~", "~", "yellow"),
    "not-applicable": ("·", "-", "dim"),
    "not-evaluated": ("?", "?", "bold magenta"),
    "manual": ("»", ">", "cyan"),
}


def say(*lines: RenderableType, style: str | None = None) -> None:
    """Print lines of the answer on standard output."""
    _print(_console(error=False), lines, style)


def tell(*lines: RenderableType, style: str | None = None) -> None:
    """Print lines about what happens meanwhile on standard error."""
    _print(_console(error=True), lines, style)


def say_json(value: object) -> None:
    """Print a value as JSON for a program to read; never coloured."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False), file=sys.stdout)


def say_raw(text: str) -> None:
    """Print a text exactly as it is, without a newline of our own."""
    click.echo(text, file=sys.stdout, nl=False)


def text(*parts: str | tuple[str, str]) -> Text:
    """Put a line together from plain strings and (string, style) pairs; brackets stay brackets."""
    from rich.text import Text  # noqa: PLC0415 - see the module's docstring

    return Text.assemble(*(_harmless(part) for part in parts))


def indented(what: RenderableType, by: int) -> RenderableType:
    """Return something shifted to the right; wrapped lines stay aligned."""
    from rich.padding import Padding  # noqa: PLC0415 - see the module's docstring

    return Padding(what, (0, 0, 0, by), expand=False)


def table(rows: Sequence[Sequence[str | Text]], *, headings: Sequence[str] = ()) -> RenderableType:
    """Return rows as aligned columns without lines around them; the last column wraps.

    Args:
        rows: Cells, as many in each row.
        headings: One for each column; none for a table that explains itself.
    """
    from rich.table import Table  # noqa: PLC0415 - see the module's docstring

    grid = Table(box=None, show_header=bool(headings), pad_edge=False, padding=(0, 2, 0, 0))
    for index in range(len(rows[0]) if rows else len(headings)):
        last = index == (len(rows[0]) if rows else len(headings)) - 1
        heading = headings[index] if headings else ""
        grid.add_column(heading, header_style="dim", no_wrap=not last, overflow="fold")
    for row in rows:
        grid.add_row(*(cell if not isinstance(cell, str) else text(cell) for cell in row))
    return grid


def verdict(kind: str, *, word: bool = True) -> Text:
    """Return a verdict's mark and word, coloured; readable without the colour."""
    mark, plain, style = VERDICTS[kind]
    shown = mark if _speaks_unicode() else plain
    return text((f"{shown} {kind.replace('-', ' ')}" if word else shown, style))


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Show that something takes a while; the yielded function says what it is at.

    On a terminal a line with a spinner that goes away; elsewhere one plain line for each step.
    """
    console = _console(error=True)
    if not console.is_terminal:
        click.echo(what, err=True)
        yield lambda step: click.echo(step, err=True)
        return
    with console.status(text(what)) as status:
        yield lambda step: status.update(text(step))


def _print(console: Console, lines: Sequence[RenderableType], style: str | None) -> None:
    """Print line by line, without the blanks that columns leave at the end of a line."""
    with console.capture() as captured:
        for line in lines:
            console.print(text(line) if isinstance(line, str) else line, style=style)
    stream = sys.stderr if console.stderr else sys.stdout
    for line in captured.get().removesuffix("\n").split("\n"):
        click.echo(line.rstrip(" "), file=stream, color=True)


def _console(*, error: bool) -> Console:
    """Return a console for the streams of this moment, which tests and pipes replace."""
    from rich.console import Console  # noqa: PLC0415 - see the module's docstring

    coloured = _colours(sys.stderr if error else sys.stdout)
    wide = None if (sys.stderr if error else sys.stdout).isatty() else ENDLESS
    return Console(
        stderr=error,
        no_color=not coloured,
        force_terminal=coloured or None,
        color_system="standard" if coloured else None,
        width=wide,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def _colours(stream: Any) -> bool:  # noqa: ANN401 - any text stream
    """Say whether a stream gets colours: `--color` and NO_COLOR first, then the terminal."""
    context = click.get_current_context(silent=True)
    wanted = context.find_root().color if context else None
    if wanted is not None:
        return wanted
    return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"


def _harmless(part: str | tuple[str, str]) -> str | tuple[str, str]:
    """Make control characters visible: a host's answer must not steer the operator's terminal."""
    if isinstance(part, tuple):
        return part[0].translate(_CONTROLS), part[1]
    return part.translate(_CONTROLS)


def _speaks_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
