"""`cairn new`: the spec of a new node."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from cairn import house
from cairn.cli.questions import QUESTIONS, Answer
from cairn.errors import InvalidSpec, Misuse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _answers(command: Callable[..., None]) -> Callable[..., None]:
    """Add one option for each question."""
    for question in reversed(QUESTIONS):
        command = click.option(
            f"--{question.name.replace('_', '-')}",
            type=Answer(question),
            metavar=question.metavar,
            help=f"{question.text}.",
        )(command)
    return command


@click.command(short_help="Write the spec of a new node")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(("data-provider", "hub", "compute")),
    default="data-provider",
    show_default=True,
    help="What the node is.",
)
@_answers
@click.option("--host", help="Name of its first host; imaging-1, hub-1 or compute-1 if absent.")
@click.option("--federation", metavar="FILE", help="The hub's file in nodes/; the only one there.")
def new(
    name: str, kind: str, host: str | None, federation: str | None, **given: str | None
) -> None:
    """Write the spec of a new node.

    Makes nodes/NAME.yaml out of a commented skeleton, and changes nothing else. Asks for what is
    not given as an option; never overwrites a file and fetches nothing.
    """
    from cairn.cli import screen, skeleton  # noqa: PLC0415 - help needs neither

    path = house.root() / "nodes" / f"{name}.yaml"
    host = host or f"{'imaging' if kind == 'data-provider' else kind}-1"
    _refuse_bad_names(path, name, host)
    answers = {"name": name, "host": host}
    if kind != "hub":
        hub = skeleton.federation_file(path.parent, federation)
        answers |= {"federation": hub.name, "fingerprint": skeleton.fingerprint(hub)}
    wanted = [each for each in QUESTIONS if each.kind in {None, kind}]
    answers |= _ask({each.name: given[each.name] for each in wanted})
    _write(path, name, skeleton.text(kind, answers))
    screen.say(
        f"Wrote {_shown(path)}. Read it, then:",
        f"  cairn check {name}   what is missing",
        f"  cairn show {name}    what follows from it",
    )


def _refuse_bad_names(path: Path, name: str, host: str) -> None:
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - help needs no models

    from cairn.spec.types import Name  # noqa: PLC0415

    for what, value in (("node", name), ("host", host)):
        try:
            TypeAdapter(Name).validate_python(value)
        except ValidationError:
            raise Misuse(
                f"a {what} cannot be named `{value}`; use lower-case letters, digits and "
                "hyphens, at most 32, starting with a letter"
            ) from None
    if os.path.lexists(path):
        raise Misuse(f"{_shown(path)} exists already; choose another name, or edit it")


def _ask(given: dict[str, str | None]) -> dict[str, str]:
    """Return all answers: those given, and what a person answers to the rest.

    Raises:
        Misuse: Answers are missing and nobody can be asked.
    """
    open_questions = [each for each in QUESTIONS if each.name in given and not given[each.name]]
    asking = [each for each in open_questions if each.default is None or sys.stdin.isatty()]
    if asking and not sys.stdin.isatty():
        options = ", ".join(f"--{each.name.replace('_', '-')}" for each in asking)
        raise Misuse(f"nobody can be asked here; give {options}")
    answers = {name: value for name, value in given.items() if value}
    for each in open_questions:
        answers[each.name] = (
            _prompt(each.text, Answer(each), each.default) if each in asking else each.default
        ) or ""
    return answers


def _prompt(text: str, kind: Answer, default: str | None) -> Any:  # noqa: ANN401 - click's own
    return click.prompt(text, type=kind, default=default)


def _write(path: Path, node: str, text: str) -> None:
    """Write the spec if nothing is in its way, and take it back if it does not load."""
    from cairn.spec.loader import load_node  # noqa: PLC0415 - help needs no loader

    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise Misuse(f"{_shown(path)} cannot be written: {error.strerror}") from error
    try:
        load_node(node)
    except InvalidSpec:
        path.unlink()
        raise


def _shown(path: Path) -> str:
    return str(path.relative_to(house.root()))
