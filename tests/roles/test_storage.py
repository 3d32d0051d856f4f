"""The S3 storage on a real host: its users, its secrets, what it refuses, what survives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cairn import sandbox
from cairn.plan.roles import certificate, storage
from roles.harness import ground

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.plan.model import PlannedRole
    from roles.harness import Ground

NODE = "role-storage"
DATA = "/srv/imaging"
WISHES = {
    "storage": {
        "path": DATA,
        "size": "1 GiB",
        "buckets": [{"name": "models"}],
        "consumers": [
            {"name": "team", "reads": ["models"], "comes_from": "198.51.100.0/24"},
            {"name": "curator", "writes": ["models"]},
        ],
    }
}


@pytest.fixture(scope="module", params=["debian-13", "debian-12"])
def box(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """Yield a host with the node's certificate."""
    host = request.param.replace("debian-", "d")
    try:
        here = ground(NODE, host, request.param, tmp_path_factory.mktemp(host))
        apply(here, certificate.plan(here.context(**WISHES)))
        yield here
    finally:
        sandbox.remove(NODE, host)


def planned(box: Ground) -> PlannedRole:
    """Return the planned storage."""
    return storage.plan(box.context(**WISHES))


def apply(box: Ground, role: PlannedRole, **how: object) -> list[str]:
    """Apply a role and return the names of the tasks that changed something."""
    outcome = box.apply(role, **how)
    assert outcome.failure is None, outcome.failure
    return [change.task for change in outcome.changes]


@pytest.mark.sandbox
def test_a_second_look_finds_nothing_to_change(box: Ground) -> None:
    assert apply(box, planned(box))
    assert apply(box, planned(box), check=True) == []
    assert apply(box, planned(box)) == []
