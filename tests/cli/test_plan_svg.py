"""The picture is well-formed, whatever the names are, and every connection tells its why."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from cairn.cli.plan_svg import picture
from cairn.plan.model import Flow

if TYPE_CHECKING:
    from cairn.plan.model import Plan

SVG = "{http://www.w3.org/2000/svg}"


def drawn(plan: Plan, institution: str = "Hospital") -> ET.Element:
    return ET.fromstring(picture(plan, institution))  # noqa: S314 - our own text


def texts(root: ET.Element) -> list[str]:
    return ["".join(each.itertext()) for each in root.iter(f"{SVG}text")]


def test_the_picture_names_hosts_peers_and_ports(plan: Plan) -> None:
    shown = texts(drawn(plan))
    assert {"demo", "imaging-1", "10.0.0.0/24", "tcp 22", "hub.example.org"} <= set(shown)
    assert shown.count("udp 53, tcp 53") == 1


def test_each_connection_tells_why_it_is_there(plan: Plan) -> None:
    whys = [each.text for each in drawn(plan).iter(f"{SVG}title")]
    assert "Administrators log in." in whys
    assert "Names are looked up.\nLong answers too." in whys


def test_names_cannot_break_out_of_the_picture(plan: Plan) -> None:
    role = plan.hosts[0].roles[0]
    flow = Flow("x", "out", "<script>&", "tcp", 1, '"><script>', "base")
    host = dataclasses.replace(plan.hosts[0], roles=(dataclasses.replace(role, flows=(flow,)),))
    root = drawn(dataclasses.replace(plan, hosts=(host,)), "</text><b>")
    assert "<script>&" in texts(root)
    assert not list(root.iter(f"{SVG}script"))


def test_nothing_is_drawn_outside_the_picture(plan: Plan) -> None:
    root = drawn(plan, "A hospital with a name that is longer than everything else " * 2)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for each in root.iter(f"{SVG}rect"):
        edges = {key: float(each.attrib.get(key, 0)) for key in ("x", "y", "width", "height")}
        assert edges["x"] + edges["width"] <= width
        assert edges["y"] + edges["height"] <= height


def test_the_same_plan_gives_the_same_picture(plan: Plan) -> None:
    assert picture(plan, "Hospital") == picture(plan, "Hospital")
