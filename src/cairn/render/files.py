"""Fills the templates of `templates/`; the same plan gives the same bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import jinja2

from cairn import house
from cairn.errors import RenderError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cairn.plan.model import Plan, PlannedFile, PlannedHost, PlannedRole


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """One file as it will stand on a host.

    Attributes:
        path: Absolute path on the host.
        content: Its text, UTF-8, with a newline at the end.
        mode: Octal, as in `0644`.
        owner: Owning user.
        group: Owning group.
    """

    path: str
    content: str
    mode: str
    owner: str
    group: str

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes on disk (`sha256:...`)."""
        return f"sha256:{hashlib.sha256(self.content.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Placed:
    """A rendered file with the host and role that it belongs to."""

    host: str
    role: str
    file: RenderedFile


def render_plan(plan: Plan) -> Iterator[Placed]:
    """Render every file of every host, in the order of hosts, roles and files.

    Raises:
        RenderError: A template names something that its role does not set.
    """
    for host in plan.hosts:
        for role in host.roles:
            for file in render_role(plan.node, host, role):
                yield Placed(host.name, role.name, file)


def render_role(node: str, host: PlannedHost, role: PlannedRole) -> tuple[RenderedFile, ...]:
    """Render the files of one role on one host, sorted by path.

    Raises:
        RenderError: A template names something that its role does not set.
    """
    about = {"node": node, "host": host.name, **role.settings}
    return tuple(
        _fill(planned, about) for planned in sorted(role.files, key=lambda file: file.path)
    )


def _fill(planned: PlannedFile, settings: Mapping[str, object]) -> RenderedFile:
    text = fill(planned.template, {**settings, **planned.settings})
    return RenderedFile(planned.path, text, planned.mode, planned.owner, planned.group)


def fill(template: str, settings: Mapping[str, object]) -> str:
    """Return the text of a template; its first line says what made it.

    Raises:
        RenderError: The template names something that is not set.
    """
    made_by = f"Made by Cairn from templates/{template}; changes made here are undone."
    try:
        found = _templates(house.root() / "templates").get_template(template)
        return found.render({"made_by": made_by, **settings})
    except jinja2.TemplateError as error:
        raise RenderError(f"templates/{template}: {error.message}") from error


@cache
def _templates(folder: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - what comes out is configuration, not HTML
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
