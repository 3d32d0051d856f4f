"""The plan of the database, without any host; what it does on one is in `test_archive.py`."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from cairn import house
from cairn.plan.context import Context, Place
from cairn.plan.model import PlannedHost, PlannedRole
from cairn.plan.roles import postgresql
from cairn.render.files import render_role
from roles.harness import document


def planned(os: str = "debian-13", **wishes: object) -> PlannedRole:
    papers = document("demo", os, **wishes)
    return postgresql.plan(Context(papers, papers.spec.hosts[0], Place("192.0.2.10", "admin")))


def rendered(role: PlannedRole) -> dict[str, str]:
    host = PlannedHost(
        "box", "debian-13", "192.0.2.10", sandbox=False, capabilities=(), volumes=(), roles=(role,)
    )
    return {file.path: file.content for file in render_role("demo", host, role)}


def read(path: str) -> Any:  # noqa: ANN401 - whatever the YAML holds
    return yaml.safe_load((house.root() / "roles/postgresql" / path).read_text())


@pytest.mark.parametrize("entry", ["main", "remove"])
def test_the_argument_specs_say_the_same_as_the_defaults(entry: str) -> None:
    options = read("meta/argument_specs.yml")["argument_specs"][entry]["options"]
    assert {name: option["default"] for name, option in options.items()} == read(
        "defaults/main.yml"
    )


def test_every_variable_of_the_plan_is_one_of_the_role() -> None:
    assert set(planned().variables) <= set(read("defaults/main.yml"))


@pytest.mark.parametrize(("os", "version"), [("debian-13", 17), ("debian-12", 15)])
def test_each_debian_gets_its_own_release(os: str, version: int) -> None:
    role = planned(os)
    assert role.services[0].unit == f"postgresql@{version}-cairn.service"
    assert f"/etc/postgresql/{version}/cairn/postgresql.conf" in rendered(role)


def test_the_data_lie_on_the_declared_volume() -> None:
    texts = rendered(planned(storage={"path": "/srv/other", "size": "1 TiB"}))
    settings = texts["/etc/postgresql/17/cairn/postgresql.conf"]
    assert "data_directory = '/srv/other/postgresql'" in settings
    assert "listen_addresses = ''" in settings


def test_nothing_listens_and_nothing_is_let_through() -> None:
    role = planned()
    assert (role.listeners, role.flows) == ((), ())
