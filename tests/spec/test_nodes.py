"""The example specs load, are fictional, and can be read aloud."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

import pytest

from cairn import house
from cairn.spec.loader import load_all
from cairn.spec.node import KINDS

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = house.root() / "nodes"
EXAMPLES = sorted(FOLDER.glob("*.yaml"))
#: RFC 5737, RFC 2544 and RFC 3849: addresses that nobody has.
FICTIONAL = [ipaddress.ip_network(text) for text in
             ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15")]  # fmt: skip


def test_all_examples_load_and_every_kind_is_there() -> None:
    documents = load_all(FOLDER)

    assert [document.spec.name for document in documents] == [path.stem for path in EXAMPLES]
    assert {document.spec.kind for document in documents} == set(KINDS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_names_and_addresses_belong_to_nobody(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    hosts = re.findall(r"(?:@|//)([a-z0-9.-]+\.[a-z]+)", text)
    addresses = re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", text)

    assert hosts
    assert all(host.endswith(".example") for host in hosts)
    assert all(any(ipaddress.ip_address(text) in net for net in FICTIONAL) for text in addresses)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_flat(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    said = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]

    assert len(said) <= 72
    assert lines[0] == "# yaml-language-server: $schema=../docs/reference/node-spec.v1.json"
