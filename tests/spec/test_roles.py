"""What the register of roles makes of what a spec lets a host run."""

from __future__ import annotations

import pytest

from cairn.spec import roles
from cairn.spec.roles import EVERYWHERE, RoleEntry, applied


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a register in the place of the real one: two entries that rely on the same role."""
    kinds = frozenset({"data-provider"})
    monkeypatch.setattr(
        roles,
        "ROLES",
        {
            "pictures": RoleEntry("pictures", kinds, ("key", "index", "pictures")),
            "objects": RoleEntry("objects", kinds, ("key", "objects")),
            "plain": RoleEntry("plain", kinds),
        },
    )


@pytest.mark.usefixtures("register")
def test_an_entry_brings_what_it_relies_on_and_each_role_is_applied_once() -> None:
    assert applied(["plain", "objects", "pictures"]) == (
        *EVERYWHERE, "plain", "key", "objects", "index", "pictures",
    )  # fmt: skip


@pytest.mark.parametrize("name", roles.ROLES)
def test_what_a_role_brings_ends_with_nothing_that_runs_everywhere(name: str) -> None:
    assert not set(roles.ROLES[name].brings) & set(EVERYWHERE)
