"""`cairn sandbox`: what it lists and what it refuses."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from cairn import house
from cairn.cli.main import cairn
from cairn.sandbox import places, records
from cairn.sandbox.records import HostRecord

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "Pulumi.yaml").touch()
    monkeypatch.setenv("CAIRN_HOME", str(folder))
    monkeypatch.setattr(places, "SANDBOXES", tmp_path / "sandboxes")
    return folder


def remember(host: str) -> None:
    places.sandbox().mkdir(parents=True, exist_ok=True)
    record = HostRecord(
        checkout=str(house.root()),
        node="hub",
        host=host,
        os="debian-13",
        address="198.18.7.10",
        gateway="198.18.7.1",
        machine="c000000-10",
        host_key="ssh-ed25519 AAAA",
        key_file=str(places.sandbox() / "ssh_key"),
    )
    records.keep(record)


def call(*words: str) -> Result:
    return CliRunner().invoke(cairn, ["sandbox", *words])


def test_without_hosts_the_list_says_how_to_get_one() -> None:
    answer = call("list")
    assert answer.exit_code == 0
    assert answer.stdout == "there is no sandbox host; `cairn up NODE` makes those of a node\n"


def test_the_list_tells_name_state_address_and_system() -> None:
    remember("core")
    assert call("list").stdout.splitlines()[1].split() == [
        "hub/core",
        "stopped",
        "198.18.7.10",
        "debian-13",
    ]


def test_a_program_reads_the_list_as_json() -> None:
    remember("core")
    [host] = json.loads(call("list", "--format", "json").stdout)["hosts"]
    assert (host["node"], host["host"], host["state"]) == ("hub", "core", "stopped")


def test_a_host_whose_checkout_is_gone_is_told(checkout: Path) -> None:
    remember("core")
    checkout.rename(checkout.with_name("moved"))
    assert "stopped, checkout gone" in call("list", "--all").stdout


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "remove"])
def test_a_verb_without_a_host_is_refused(verb: str) -> None:
    answer = call(verb)
    assert answer.exit_code == 2
    assert answer.stderr == "name the hosts as NODE or NODE/HOST, or say --all\n"


def test_an_unknown_host_is_refused() -> None:
    remember("core")
    answer = call("stop", "hub/other")
    assert answer.exit_code == 2
    assert answer.stderr == "there is no sandbox host `hub/other`; see `cairn sandbox list`\n"


@pytest.mark.parametrize("words", [["prepare"], ["stop", "hub"], ["remove", "--all"]])
def test_without_root_nothing_is_tried(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    remember("core")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    answer = call(*words)
    assert answer.exit_code == 4
    assert answer.stderr.startswith("sandbox hosts need root")


def test_data_of_a_node_that_has_hosts_is_deleted_with_them_only() -> None:
    remember("core")
    answer = call("remove", "--delete-data", "../..")
    assert answer.exit_code == 4
    assert "cannot name a sandbox host" in answer.stderr
