"""`cairn check`: specs and plans before the policy checks."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cairn.cli.arguments import NodeName, format_option, spec_folder, specs
from cairn.errors import InvalidSpec, Misuse, PlanRefused, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cairn.checks.verdicts import Judgement
    from cairn.spec.document import Document


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """What was found about one node: problems of its spec, or a judgement."""

    node: str
    problems: tuple[Problem, ...] = ()
    judgement: Judgement | None = None

    @property
    def exit_code(self) -> int:
        """2 for a spec that does not load, 3 for one that policy refuses, else 0."""
        if self.judgement is None:
            return InvalidSpec.exit_code
        return PlanRefused.exit_code if self.judgement.blocking else 0


@click.command(short_help="Judge specs and plans against the policy checks")
@click.argument("nodes", nargs=-1, type=NodeName(), metavar="[NODE]...")
@click.option("--all", "every", is_flag=True, help="All nodes; the same as naming none.")
@click.option("--verbose", "-v", is_flag=True, help="Show also what passed.")
@format_option("json")
def check(nodes: tuple[str, ...], form: str, *, every: bool, verbose: bool) -> None:
    """Judge specs and plans against the policy checks.

    Names all problems of all specs at once, each with its place and remedy. Changes nothing and
    asks no host. Exit code 2 if a spec does not load, 3 if a check says no or could not look.
    """
    if every and nodes:
        raise Misuse("--all and names of nodes exclude each other; give one of them")
    checked = [_checked(node) for node in nodes] if nodes else _all_checked()
    if not checked:
        raise Misuse("there is no spec in nodes/ yet; `cairn new NAME` writes one")
    if form == "json":
        _print_json(checked)
    else:
        _print_text(checked, verbose=verbose)
    # A spec that does not load is told before one that is refused.
    codes = {each.exit_code for each in checked} - {0}
    raise click.exceptions.Exit(min(codes, default=0))


def _all_checked() -> list[Checked]:
    """Judge all nodes, together: two of them may claim the same machine."""
    from cairn.spec.loader import load_all  # noqa: PLC0415 - help needs no loader

    documents: dict[str, Document] = {}
    problems: dict[str, list[Problem]] = {}
    try:
        documents = {each.path.stem: each for each in load_all(spec_folder())}
    except InvalidSpec as error:
        for problem in error.problems:
            problems.setdefault(Path(problem.file).stem, []).append(problem)
    return [
        Checked(node, tuple(problems[node])) if node in problems else _checked(node, documents)
        for node in sorted({*specs(), *problems})
    ]


def _checked(node: str, loaded: Mapping[str, Document] | None = None) -> Checked:
    """Judge one node; loads it unless it is among those loaded."""
    from cairn.checks.engine import judge_plan, judge_spec  # noqa: PLC0415 - help needs no engine
    from cairn.checks.verdicts import join  # noqa: PLC0415
    from cairn.plan.derive import derive  # noqa: PLC0415
    from cairn.spec.loader import load_node  # noqa: PLC0415
    from cairn.stack.places import places  # noqa: PLC0415

    try:
        document = (loaded or {}).get(node) or load_node(node)
    except InvalidSpec as error:
        return Checked(node, problems=error.problems)
    plan = derive(document, places(document))
    found = (judge_spec(document), judge_plan(document, plan))
    return Checked(node, judgement=join(node, found))


def _print_json(checked: Sequence[Checked]) -> None:
    from cairn.cli import findings, screen  # noqa: PLC0415 - help needs neither

    screen.say_json(
        {
            "nodes": [
                {
                    "node": each.node,
                    "problems": [dataclasses.asdict(problem) for problem in each.problems],
                    **(findings.as_json(each.judgement) if each.judgement else {}),
                }
                for each in checked
            ]
        }
    )


def _print_text(checked: Sequence[Checked], *, verbose: bool) -> None:
    from cairn.checks.verdicts import BLOCKING  # noqa: PLC0415 - help needs none of it
    from cairn.cli import findings, screen  # noqa: PLC0415

    for each in checked:
        if each.judgement is None:
            screen.say(screen.verdict("fail", word=False) + screen.text(" ", (each.node, "bold")))
            for problem in each.problems:
                screen.say(str(problem))
            continue
        screen.say(findings.total(each.judgement))
        # What stops the node comes first; within that the order of the catalogue stays.
        ordered = sorted(each.judgement.findings, key=lambda found: found.verdict not in BLOCKING)
        shown = findings.lines(ordered, everything=verbose)
        if shown is not None:
            screen.say(screen.indented(shown, 2))
