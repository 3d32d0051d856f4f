"""What the intake of a host is planned to be, from the spec alone."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cairn import house
from cairn.plan.context import Context, Place
from cairn.plan.model import PlannedHost
from cairn.plan.roles import intake
from cairn.render.files import render_role
from cairn.spec.imaging import CARRIED_OUT
from cairn_intake.profile import CODES
from cairn_intake.settings import Blank, Modality, Private, parse
from roles.harness import document

if TYPE_CHECKING:
    from cairn.plan.model import PlannedRole

PACS = {
    "aet": "RESEARCH",
    "accepts": [
        {"aet": "CT-1", "address": "192.0.2.21", "may": ["store", "echo"]},
        {"aet": "OLD'1", "address": "192.0.2.22", "may": ["store"], "plain": True},
        {"aet": "VIEWER", "address": "192.0.2.23", "may": ["find", "move"]},
    ],
    "deidentify": {
        "options": ["retain-safe-private", "clean-pixel-data"],
        "private": [{"creator": "EXAMPLE MR", "group": "0019", "element": "0c"}],
        "blank": [
            {
                "modality": "US", "manufacturer": "Example", "model": 'Sono "1"', "rows": 600,
                "columns": 800, "rectangles": ["0,0 800x60", "700,500 100x100"],
            }
        ],
    },
}  # fmt: skip


def planned(**wishes: Any) -> PlannedRole:  # noqa: ANN401 - keys of `pacs`
    papers = document("plan", "debian-13", kind="data-provider", pacs={**PACS, **wishes})
    return intake.plan(Context(papers, papers.spec.hosts[0], Place("192.0.2.1", "root")))


def settings(role: PlannedRole) -> dict[str, Any]:
    host = PlannedHost("box", "debian-13", "192.0.2.1", False, (), (), (role,))  # noqa: FBT003
    text = next(file.content for file in render_role("plan", host, role) if "toml" in file.path)
    return tomllib.loads(text)


def test_the_program_reads_what_the_plan_renders() -> None:
    read = parse(settings(planned()))
    assert read.modality == (
        Modality("CT-1", "192.0.2.21", ("store", "echo"), plain=False),
        Modality("OLD'1", "192.0.2.22", ("store",), plain=True),
    )
    assert read.private == (Private("EXAMPLE MR", 0x19, 0x0C),)
    rectangles = ((0, 0, 800, 60), (700, 500, 100, 100))
    assert read.blank == (Blank("US", "Example", 'Sono "1"', 600, 800, rectangles),)
    assert read.options == ("clean-pixel-data", "retain-safe-private")
    assert (read.port, read.plain_port, read.tls_minimum) == (11112, 11113, "1.2")


def test_each_sender_has_its_own_way_in_and_nobody_else_has_one() -> None:
    role = planned()
    ways = [(flow.peer, flow.port, flow.tls) for flow in role.flows]
    assert ways == [("192.0.2.21", 11112, "1.2"), ("192.0.2.22", 11113, None)]
    assert [listener.port for listener in role.listeners] == [11112, 11113]
    assert {flow.direction for flow in role.flows} == {"in"}


def test_nobody_listens_without_tls_unless_a_modality_needs_it() -> None:
    role = planned(accepts=PACS["accepts"][:1])
    assert [listener.port for listener in role.listeners] == [11112]
    assert settings(role)["plain_port"] == 0


def test_the_profile_in_force_is_said_by_the_plan() -> None:
    said = dict(planned().promises)
    assert said["de-identified"] == (
        "DICOM PS3.15 2026c Basic Profile with clean-pixel-data, retain-safe-private"
    )
    assert "Example" in said["blanked"]
    assert "(0019,xx0c)" in said["kept"]


def test_spec_and_program_carry_out_the_same_options() -> None:
    assert CODES.keys() - {"basic"} == CARRIED_OUT


@pytest.mark.parametrize("entry", ["main", "remove"])
def test_the_argument_specs_say_the_same_as_the_defaults(entry: str) -> None:
    role = house.root() / "roles" / "intake"
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())
    options = specs["argument_specs"][entry]["options"]
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text())
    assert {name: option["default"] for name, option in options.items()} == defaults
    assert set(planned().variables) <= set(defaults)
