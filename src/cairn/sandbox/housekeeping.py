"""What concerns many sandbox hosts at once: images ahead of time, removal of all, of orphans."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from cairn.errors import SandboxError
from cairn.sandbox import (
    assembly,
    commands,
    image,
    lifecycle,
    package_cache,
    places,
    records,
    reservations,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def prepare(systems: Sequence[str], *, progress: Callable[[str], None]) -> None:
    """Make base images and the package cache's program ahead of the first host.

    Args:
        systems: Operating systems, `debian-13` or `debian-12`.
        progress: Called with one line per step.

    Raises:
        SandboxError: Something could not be made.
    """
    commands.require_root()
    commands.require_programs()
    recipes = [image.of_system(system) for system in systems]
    package_cache.program(progress)
    for recipe in recipes:
        image.ensure(recipe, progress)


def remove_all(*, delete_data_of: str | None = None) -> list[str]:
    """Remove all hosts of this checkout, half-made ones too, and give their addresses up.

    Args:
        delete_data_of: Node whose data volumes are deleted as well; those of others stay.

    Returns:
        The names of the hosts that were removed.
    """
    commands.require_root()
    commands.require_programs()
    names = sorted({record.name for record in records.read()} | set(_half_made()))
    for name in names:
        lifecycle.remove(*name.split("/"))
    if delete_data_of:
        delete_data(delete_data_of)
    assembly.tidy()
    reservations.release()
    return names


def delete_data(node: str) -> None:
    """Delete the data volumes that removed hosts of a node have left.

    Raises:
        SandboxError: A host of the node still exists.
    """
    commands.require_root()
    places.check_name(node)
    left = [record.name for record in records.read() if record.node == node]
    if left:
        raise SandboxError(f"{left[0]} still exists; run `cairn sandbox remove {node}` first")
    assembly.delete_volumes(node)
    assembly.tidy()


def remove_orphans(*, progress: Callable[[str], None]) -> list[str]:
    """Remove the hosts of checkouts that are gone from the computer; their volumes stay.

    Returns:
        The names of the hosts that were removed, each with its former checkout.
    """
    commands.require_root()
    commands.require_programs()
    gone = sorted({record.checkout for record in records.read_all() if record.is_orphan})
    removed = []
    for checkout in gone:
        progress(f"removing the sandbox of {checkout}")
        with _as_checkout(checkout):
            removed += [f"{name} of {checkout}" for name in remove_all()]
    return removed


def _half_made() -> Iterator[str]:
    for folder in sorted((places.sandbox() / "hosts").glob("*/*")):
        yield f"{folder.parent.name}/{folder.name}"


@contextlib.contextmanager
def _as_checkout(path: str) -> Iterator[None]:
    before = os.environ.get("CAIRN_HOME")
    os.environ["CAIRN_HOME"] = path
    try:
        yield
    finally:
        del os.environ["CAIRN_HOME"]
        if before is not None:
            os.environ["CAIRN_HOME"] = before
