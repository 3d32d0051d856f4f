"""Arguments and options that several verbs share: a node's name, a host's name, a format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from cairn import house
from cairn.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cairn.plan.model import Plan, PlannedHost


def specs() -> dict[str, Path]:
    """Return the spec files of this checkout by node name, in the order of the names."""
    return {path.stem: path for path in sorted(spec_folder().glob("*.yaml"))}


def spec_folder() -> Path:
    """Return the folder of the specs, relative where it is below the current one."""
    folder = house.root() / "nodes"
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


class NodeName(click.ParamType[str]):
    """The name of a node; `nodes/NAME.yaml` is understood too, because shells complete it."""

    name = "node"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 - click's own signature
        """Return the node's name; whether its spec exists and loads is the loader's to say."""
        del param, ctx
        path = Path(str(value))
        return path.stem if path.suffix == ".yaml" and path.parent.name == "nodes" else str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Complete the names of the nodes that have a spec."""
        del ctx, param
        return [CompletionItem(name) for name in specs() if name.startswith(incomplete)]


#: The one node a verb is about.
node_argument = click.argument("node", type=NodeName(), metavar="NODE")


def format_option(*formats: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """Return the option `--format`, `text` unless another is asked for."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(("text", *formats)),
        default="text",
        show_default=True,
        help="How to print the answer.",
    )


host_option = click.option(
    "--host", metavar="HOST", help="Only this host of the node.", default=None
)


def chosen_hosts(plan: Plan, host: str | None) -> tuple[PlannedHost, ...]:
    """Return the hosts of a plan that `--host` leaves: all, or the one of that name.

    Raises:
        Misuse: The plan has no such host.
    """
    if host is None:
        return plan.hosts
    found = tuple(planned for planned in plan.hosts if planned.name == host)
    if not found:
        known = (planned.name for planned in plan.hosts)
        raise Misuse(f"{plan.node} has no host `{host}`; {did_you_mean(host, known)}")
    return found


def did_you_mean(typed: str, known: Iterable[str]) -> str:
    """Return a phrase that helps somebody who mistyped a name out of a short list."""
    from difflib import get_close_matches  # noqa: PLC0415 - needed only when something is wrong

    names = sorted(known)
    close = get_close_matches(typed, names, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    if not names:
        return "there is none yet"
    return f"known are {', '.join(f'`{name}`' for name in names)}"
