"""The Python environment of federated learning on a host: Flower and NumPy, without an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cairn.artefacts.lock import locked
from cairn.plan.model import PlannedRole

if TYPE_CHECKING:
    from cairn.artefacts.lock import Artefact
    from cairn.plan.context import Context

ROLE: Final = "flower"
#: A link to the environment that is in use.
PLACE: Final = "/opt/cairn/flower"
#: The Python of each release.
PYTHONS: Final = {"debian-13": "cp313", "debian-12": "cp311"}


def plan(context: Context) -> PlannedRole:
    """Plan the environment: one pack of wheels, for the Python of the host."""
    return PlannedRole(
        name=ROLE,
        variables={"flower_place": PLACE, "flower_folder": folder(context)},
        packages=("python3-venv",),
        artefacts=(_pack(context),),
    )


def folder(context: Context) -> str:
    """Return the environment itself; a unit that names it is restarted when another one comes."""
    return f"{PLACE}-{_pack(context).sha256[:12]}"


def _pack(context: Context) -> Artefact:
    return locked(f"{ROLE}-{PYTHONS[context.host.os]}")
