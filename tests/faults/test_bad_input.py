"""Specs that nobody should write, given to the real commands: one clear end, nothing changed."""

from __future__ import annotations

import copy
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from e2e.specs import on_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from e2e.houses import House

pytestmark = pytest.mark.pulumi

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINI0ZwauHfhKBSE+INGNYV6YNSFXDyryruMSmcDt3ckw"
PLACE = r"nodes/bad\.yaml:\d+:\d+: "


def nothing(file: Path) -> None:
    file.symlink_to(file.with_name("nowhere"))


def folder(file: Path) -> None:
    file.mkdir()


def pipe(file: Path) -> None:
    os.mkfifo(file)


def binary(file: Path) -> None:
    file.write_bytes(b"\x7fELF\x02\x01\x01\x00" + bytes(range(256)) * 40)


def huge(file: Path) -> None:
    line = "# " + 97 * "x" + "\n"
    file.write_text("spec_version: 1\n" + line * (10 * 2**20 // len(line)))


def deep(file: Path) -> None:
    lines = "".join(f"{'  ' * level}a{level}:\n" for level in range(100))
    file.write_text(f"{lines}{'  ' * 100}end: 1\n")


def deep_in_brackets(file: Path) -> None:
    file.write_text(f"spec_version: {'[' * 100}{']' * 100}\n")


def wrong_types(file: Path) -> None:
    upside_down = {
        key: {"not": "this"} if isinstance(value, str | int | list) else [1, 2.5, None]
        for key, value in on_sandbox("bad").items()
    }
    write(file, upside_down)


def unknown_role(file: Path) -> None:
    spec = on_sandbox("bad")
    spec["hosts"][0]["runs"] = ["storage", "pasc"]
    write(file, spec)


def address_twice(file: Path) -> None:
    spec = on_sandbox("bad")
    machine = {"existing": "192.0.2.7", "host_key": HOST_KEY}
    spec["hosts"] = [
        {"name": name, "machine": copy.deepcopy(machine), "os": "debian-13"}
        for name in ("one", "two")
    ]
    write(file, spec)


def other_name(file: Path) -> None:
    write(file, on_sandbox("good"))


def write(file: Path, spec: dict[str, Any]) -> None:
    yaml = YAML()
    yaml.width = 200
    yaml.dump(spec, file)


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "a link to nowhere": (nothing, PLACE + "there is no such file; "),
    "a folder": (folder, PLACE + "this is not a file; "),
    "a pipe that nobody writes to": (pipe, PLACE + "this is not a file; "),
    "a binary file": (binary, PLACE),
    "a file of 10 MB": (huge, PLACE + "the file is larger than 256 KiB; "),
    "100 levels": (deep, PLACE),
    "100 brackets": (deep_in_brackets, PLACE),
    "wrong types everywhere": (wrong_types, PLACE + "hosts: "),
    "an unknown role": (
        unknown_role,
        PLACE + r"hosts\.box\.runs\.2: unknown role; did you mean `pacs`\?",
    ),
    "an address used twice": (address_twice, PLACE + "hosts.two.machine.existing: "),
    "a name that is not the file's": (other_name, PLACE + "name: "),
}


@pytest.fixture(scope="module")
def lived_in(house: House) -> House:
    """A house whose state has a stack already."""
    house.write(on_sandbox("small"))
    house.cairn("preview", "small")
    assert house.state("small") is not None
    return house


@pytest.fixture
def bad(lived_in: House) -> Any:  # noqa: ANN401 - a generator of paths
    file = lived_in.root / "nodes" / "bad.yaml"
    yield file
    file.rmdir() if file.is_dir() and not file.is_symlink() else file.unlink()


@pytest.mark.parametrize("verb", [("check",), ("up", "--yes"), ("preview",)], ids=" ".join)
@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_told_and_changes_nothing(
    lived_in: House, bad: Path, what: str, verb: tuple[str, ...]
) -> None:
    spoil, wanted = BAD[what]
    spoil(bad)
    before = lived_in.fingerprint()
    said = lived_in.cairn(verb[0], "bad", *verb[1:], status=2)
    told = [line.strip() for line in said.all.splitlines() if re.match(PLACE, line.strip())]
    assert any(re.match(wanted, line) for line in told), said.all
    if what != "wrong types everywhere":
        assert len(told) == 1, said.all
    assert lived_in.fingerprint() == before
    assert lived_in.left_behind() == []


@pytest.mark.parametrize("verb", ["up", "preview", "destroy", "drift", "unlock", "verify", "show"])
def test_a_name_that_is_no_node_makes_no_stack(lived_in: House, verb: str) -> None:
    before = lived_in.fingerprint()
    options = ("--yes",) if verb in {"up", "destroy"} else ()
    said = lived_in.cairn(verb, "smal", *options, status=2)
    assert "smal" in said.err
    assert len(said.err.splitlines()) <= 2
    assert lived_in.fingerprint() == before


def test_two_nodes_cannot_claim_one_machine(lived_in: House, bad: Path) -> None:
    spec = on_sandbox("bad")
    machine = {"existing": "192.0.2.7", "host_key": HOST_KEY}
    spec["hosts"] = [{"name": "one", "machine": machine, "os": "debian-13"}]
    write(bad, spec)
    other = lived_in.write({**spec, "name": "worse"})
    said = lived_in.cairn("check", status=2)
    assert "nodes/worse.yaml" in said.all
    assert "nodes/bad.yaml has this address too; a machine is one host" in said.all
    other.unlink()


@pytest.mark.parametrize("verb", ["preview", "up --yes"])
def test_a_stack_without_a_spec_is_refused_by_raw_pulumi(lived_in: House, verb: str) -> None:
    lived_in.shell("pulumi stack select --create organization/cairn-nodes/ghost")
    said = lived_in.shell(f"pulumi {verb} -s ghost", status=1)
    assert "error: there is no node of that name in " in said.all
    assert "unhandled error" not in said.all
    assert lived_in.state("ghost").get("resources", []) == []
    assert lived_in.left_behind() == []


def test_a_bad_spec_is_refused_by_raw_pulumi(lived_in: House, bad: Path) -> None:
    unknown_role(bad)
    lived_in.shell("pulumi stack select --create organization/cairn-nodes/bad")
    said = lived_in.shell("pulumi up -s bad --yes", status=1)
    assert "unhandled error" not in said.all
    assert re.search("error: .*" + BAD["an unknown role"][1], said.all), said.all
    assert lived_in.state("bad").get("resources", []) == []
