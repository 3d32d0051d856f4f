"""What the package cache listens on and may ask."""

from __future__ import annotations

from cairn.sandbox import package_cache
from cairn.sandbox.records import HostRecord, Way


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


def test_it_listens_on_the_bridge_and_refuses_what_is_not_listed() -> None:
    lines = package_cache.render("198.18.7.1", ["http://mirror.example/debian"], None).splitlines()
    assert "BindAddress: 198.18.7.1" in lines
    assert "ForceManaged: 1" in lines
    assert (
        "Remap-mirror-example-debian: http://mirror.example/debian ; http://mirror.example/debian"
        in lines
    )


def test_the_proxy_of_the_computer_is_passed_on() -> None:
    text = package_cache.render("198.18.7.1", [], "http://proxy.example:3128")
    assert text.endswith("Proxy: http://proxy.example:3128\n")


def test_declared_plain_ways_out_may_be_asked_and_others_not() -> None:
    found = package_cache.upstreams(
        [
            host(
                {"to": "mirror.example", "port": 80, "protocol": "tcp"},
                {"to": "mirror.example", "port": 8081, "protocol": "tcp"},
                {"to": "hub.example", "port": 443, "protocol": "tcp"},
                {"to": "resolvers", "port": 53, "protocol": "tcp"},
                {"to": "anywhere", "port": 80, "protocol": "tcp"},
                {"to": "ntp.example", "port": 123, "protocol": "udp"},
            ),
        ],
    )
    assert [each for each in found if "example" in each] == [
        "http://mirror.example",
        "http://mirror.example:8081",
    ]
