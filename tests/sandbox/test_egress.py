"""Declared ways out become packet filter rules, and nothing else does."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from cairn.errors import SandboxError
from cairn.sandbox import egress
from cairn.sandbox.egress import Opening
from cairn.sandbox.records import HostRecord, Way
from cairn.sandbox.reservations import Reservation

RESERVATION = Reservation("198.18.7.10", "198.18.7.1", "http://198.18.7.1:3142")

RULES = """\
table inet cairn_ab12cd
delete table inet cairn_ab12cd
table inet cairn_ab12cd {
    chain declared {
        ip saddr 198.18.7.10 ip daddr 192.0.2.7 tcp dport 443 accept comment "hub/core"
        ip saddr 198.18.7.10 ip daddr 192.0.2.8 udp dport 53 accept comment "hub/core"
    }
    chain forward {
        type filter hook forward priority filter; policy accept;
        iifname "cairn-ab12cd" oifname "cairn-ab12cd" accept
        iifname "cairn-ab12cd" ct state established,related accept
        iifname "cairn-ab12cd" jump declared
        iifname "cairn-ab12cd" counter drop
        oifname "cairn-ab12cd" ct state established,related accept
        oifname "cairn-ab12cd" counter drop
    }
    chain input {
        type filter hook input priority filter; policy accept;
        iifname "cairn-ab12cd" ct state established,related accept
        iifname "cairn-ab12cd" ip protocol icmp accept
        iifname "cairn-ab12cd" ip daddr 198.18.7.1 tcp dport 3142 accept
        iifname "cairn-ab12cd" jump declared
        iifname "cairn-ab12cd" counter drop
    }
    chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr 198.18.7.0/24 oifname != "cairn-ab12cd" masquerade
    }
}
"""


def host(*ways: Way) -> HostRecord:
    return HostRecord(
        checkout="/nowhere",
        node="hub",
        host="core",
        os="debian-13",
        address="198.18.7.10",
        gateway="198.18.7.1",
        machine="cab12cd-10",
        host_key="",
        key_file="/nowhere/ssh_key",
        egress=list(ways),
    )


def test_the_rules_are_those_of_the_golden_text() -> None:
    openings = [
        Opening("198.18.7.10", "192.0.2.8", 53, "udp", "hub/core"),
        Opening("198.18.7.10", "192.0.2.7", 443, "tcp", "hub/core"),
        Opening("198.18.7.10", "192.0.2.7", 443, "tcp", "hub/core"),
    ]
    assert egress.render("ab12cd", "cairn-ab12cd", RESERVATION, openings) == RULES


@pytest.mark.sandbox
def test_nftables_accepts_the_rules() -> None:
    nft = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin")
    assert nft, "nftables is not installed"
    checked = subprocess.run(
        [nft, "-c", "-f", "-"], input=RULES, text=True, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_an_address_and_a_network_stand_for_themselves() -> None:
    assert egress.destinations("192.0.2.7") == ["192.0.2.7/32"]
    assert egress.destinations("192.0.2.0/24") == ["192.0.2.0/24"]


def test_an_ipv6_destination_has_no_way_because_hosts_have_ipv4_only() -> None:
    assert egress.destinations("2001:db8::1") == []


def test_a_name_is_resolved_on_the_computer() -> None:
    assert egress.destinations("localhost") == ["127.0.0.1"]


def test_a_name_without_address_opens_nothing_and_is_said() -> None:
    said: list[str] = []
    record = host({"to": "hub.invalid", "port": 443, "protocol": "tcp"})
    assert egress.openings([record], said.append) == []
    assert said == ["`hub.invalid` has no address here: no way out to it"]


def test_each_declared_way_becomes_one_rule_for_its_host() -> None:
    record = host({"to": "192.0.2.7", "port": 443, "protocol": "tcp"})
    [opening] = egress.openings([record], print)
    assert str(opening) == (
        'ip saddr 198.18.7.10 ip daddr 192.0.2.7/32 tcp dport 443 accept comment "hub/core"'
    )


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ({"to": "a.example", "port": 443, "protocol": "icmp"}, "tcp or udp"),
        ({"to": "a.example", "port": 0, "protocol": "tcp"}, "from 1 to 65535"),
        ({"to": "a.example", "port": 65536, "protocol": "tcp"}, "from 1 to 65535"),
        ({"to": "a.example", "port": 44.5, "protocol": "tcp"}, "from 1 to 65535"),
        ({"to": "a.example", "port": True, "protocol": "tcp"}, "from 1 to 65535"),
        ({"to": 'x" accept', "port": 443, "protocol": "tcp"}, "is no host name"),
        ({"to": "-x", "port": 443, "protocol": "tcp"}, "is no host name"),
    ],
)
def test_what_cannot_be_a_way_out_is_refused(way: Way, words: str) -> None:
    with pytest.raises(SandboxError, match=words):
        egress.checked(way)


def test_a_port_that_comes_as_a_decimal_number_is_kept_whole() -> None:
    way: Way = {"to": "a.example", "port": 443.0, "protocol": "tcp"}  # type: ignore[typeddict-item]
    assert str(egress.checked(way)["port"]) == "443"
