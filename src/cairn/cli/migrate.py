"""`cairn migrate`: specs of an older format rewritten to the current one."""

from __future__ import annotations

import difflib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cairn.cli.arguments import did_you_mean, specs
from cairn.errors import InvalidSpec, Misuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from cairn.errors import Problem


@dataclass(frozen=True, slots=True)
class Migrated:
    """One spec before and after, with a line for each change."""

    path: Path
    before: str
    after: str
    changes: Sequence[str]


@click.command(short_help="Rewrite specs in an older format to the current one")
@click.argument("targets", nargs=-1, required=True, metavar="NODE|FILE...")
@click.option(
    "--check", "only_check", is_flag=True, help="Write nothing; exit code 2 if one is old."
)
def migrate(targets: tuple[str, ...], *, only_check: bool) -> None:
    """Rewrite specs in an older format to the current one.

    Changes the spec files that are old and no host; comments and order stay. Shows what changes.
    If one of the files cannot be migrated, none is written.
    """
    from cairn.cli import screen  # noqa: PLC0415 - help needs no screen

    migrated = _migrated([_path(target) for target in targets])
    old = [each for each in migrated if each.changes]
    for each in old:
        if not only_check:
            _replace(each.path, each.after)
        screen.say(screen.text((str(each.path), "bold")), *(f"  {line}" for line in each.changes))
        screen.say(*_diff(each), "")
    verb = "would be migrated" if only_check else "migrated"
    screen.say(f"{len(old)} of {len(migrated)} specs {verb}, the others are current")
    if old and only_check:
        raise click.exceptions.Exit(InvalidSpec.exit_code)


def _path(target: str) -> Path:
    """Return the file of a node's name or of a path.

    Raises:
        Misuse: There is neither a node nor a file of that name.
    """
    known = specs()
    if target in known:
        return known[target]
    if not Path(target).exists():
        raise Misuse(f"there is no node and no file `{target}`; {did_you_mean(target, known)}")
    return Path(target)


def _migrated(paths: Sequence[Path]) -> list[Migrated]:
    """Rewrite all specs in memory.

    Raises:
        InvalidSpec: With the problems of all of them.
    """
    from cairn.spec.migrate import migrate as rewrite  # noqa: PLC0415 - help needs no reader
    from cairn.spec.text import decode, read_bytes  # noqa: PLC0415

    found: list[Migrated] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            before = decode(read_bytes(path, str(path)), str(path))
            found.append(Migrated(path, before, *rewrite(before, file=str(path))))
        except InvalidSpec as error:
            problems.extend(error.problems)
    if problems:
        raise InvalidSpec(problems)
    return found


def _replace(path: Path, text: str) -> None:
    """Put a new text in the place of a file, whole or not at all; its mode stays.

    Raises:
        Misuse: It cannot be written.
    """
    target = path.resolve()  # a link stays a link
    try:
        mode = stat.S_IMODE(target.stat().st_mode)
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                os.fchmod(descriptor, mode)
                os.fsync(descriptor)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Misuse(f"{path} cannot be written: {error.strerror}") from error


def _diff(migrated: Migrated) -> list[Text]:
    from cairn.cli import screen  # noqa: PLC0415 - help needs no screen

    name = str(migrated.path)
    lines = difflib.unified_diff(
        migrated.before.splitlines(), migrated.after.splitlines(), name, name, lineterm="", n=1
    )
    colours = {"+": "green", "-": "red", "@": "cyan"}
    return [screen.text((f"    {line}", colours.get(line[:1], ""))) for line in lines]
