"""A new spec loads as it is, and each example in its comments would load too."""

from __future__ import annotations

import json
import re
from shutil import copy
from typing import TYPE_CHECKING

import pytest

from cairn.spec.loader import load_node

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]

SITE = (
    "--institution=Example Hospital, Lyon",
    "--country=FR",
    "--technical=it@hospital.example",
    "--security=soc@hospital.example",
    "--data-protection=dpo@hospital.example",
)
HUB = ("--kind=hub", "--domain=hub.example.org")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEp5Ky8qMi669H7hSrzmfG2d6AgOuICyTx37p/tOoCgj"


@pytest.mark.parametrize("kind", [("--kind=data-provider",), ("--kind=compute",), HUB])
@pytest.mark.parametrize("address", ["sandbox", "local", "10.20.0.12"])
def test_a_new_spec_loads(run: Run, home: Path, kind: tuple[str, ...], address: str) -> None:
    result = run("new", "lyon", *kind, *SITE, f"--address={address}")
    assert result.exit_code == 0, result.stderr
    assert load_node("lyon", folder=home / "nodes").spec.site.country == "FR"


@pytest.mark.parametrize("kind", [("--kind=data-provider",), ("--kind=compute",), HUB])
def test_every_example_in_the_comments_loads(run: Run, home: Path, kind: tuple[str, ...]) -> None:
    run("new", "lyon", *kind, *SITE, "--address=10.20.0.12")
    path = home / "nodes" / "lyon.yaml"
    text = re.sub(r"ssh-ed25519 AAAA…", KEY, path.read_text())
    examples = re.sub(r"(?m)^( *)# (?=( *)(- |[a-z_0-9]+:( |$)))", r"\1", text)
    (home / "nodes" / "hospital-ca.crt").write_text(_certificate(home))
    path.write_text(examples)
    spec = load_node("lyon", folder=home / "nodes").spec
    assert spec.administrators
    assert spec.network.egress
    assert spec.legal
    assert spec.backup
    assert spec.storage or kind != ("--kind=data-provider",)
    assert getattr(spec, "pacs", True)


def test_what_is_typed_is_quoted(run: Run, home: Path) -> None:
    name = 'Hospital "A": # València, {no}'
    result = run("new", "lyon", f"--institution={name}", *SITE[1:])
    assert result.exit_code == 0, result.stderr
    assert load_node("lyon", folder=home / "nodes").spec.site.institution == name


def test_norway_stays_norway(run: Run, home: Path) -> None:
    run("new", "oslo", SITE[0], "--country=NO", *SITE[2:])
    assert load_node("oslo", folder=home / "nodes").spec.site.country == "NO"


def test_a_file_is_never_overwritten(run: Run, home: Path) -> None:
    path = home / "nodes" / "lyon.yaml"
    path.write_text("mine")
    result = run("new", "lyon", *SITE)
    assert result.exit_code == 2
    assert "exists already" in result.stderr
    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", ["Lyon", "../lyon", "lyon.yaml", "a" * 33, "1lyon", ""])
def test_a_name_that_cannot_be_a_node_is_refused(run: Run, home: Path, name: str) -> None:
    before = sorted(home.rglob("*"))
    result = run("new", name, *SITE)
    assert result.exit_code == 2
    assert "cannot be named" in result.stderr
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize(
    ("option", "wanted"),
    [
        ("--country=fr", "two capital letters"),
        ("--technical=nobody", "mail address"),
        ("--address=10.20.0.300", "address"),
        ("--institution=x", "3 to 400"),
    ],
)
def test_a_bad_answer_is_told_what_a_good_one_is(
    run: Run, home: Path, option: str, wanted: str
) -> None:
    result = run("new", "lyon", *SITE, option)
    assert result.exit_code == 2
    assert wanted in result.stderr
    assert not (home / "nodes" / "lyon.yaml").exists()


def test_where_nobody_can_be_asked_the_missing_options_are_named(run: Run, home: Path) -> None:
    result = run("new", "lyon", *SITE[:3])
    assert result.exit_code == 2
    assert "--security, --data-protection" in result.stderr


def test_without_a_federation_file_it_says_where_one_comes_from(run: Run, home: Path) -> None:
    (home / "nodes" / "demo.federation.json").unlink()
    result = run("new", "lyon", *SITE)
    assert result.exit_code == 2
    assert "that the hub publishes" in result.stderr


def test_one_of_several_federation_files_must_be_named(run: Run, home: Path) -> None:
    copy(home / "nodes" / "demo.federation.json", home / "nodes" / "other.federation.json")
    assert "name one with --federation" in run("new", "lyon", *SITE).stderr
    assert run("new", "lyon", *SITE, "--federation=other.federation.json").exit_code == 0


def test_a_spec_that_does_not_load_is_taken_back(run: Run, home: Path) -> None:
    (home / "nodes" / "demo.federation.json").write_text("{}")
    result = run("new", "lyon", *SITE)
    assert result.exit_code == 2
    assert "demo.federation.json:1:1" in result.stderr
    assert not (home / "nodes" / "lyon.yaml").exists()


def _certificate(home: Path) -> str:
    federation = json.loads((home / "nodes" / "demo.federation.json").read_text())
    return str(federation["ca_certificates"][0])
