"""Networks and addresses: stable, and never anybody else's."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn import house, sandbox
from cairn.errors import SandboxError
from cairn.sandbox import places, records, reservations
from cairn.sandbox.reservations import POOL, choose_network, parse_routes

if TYPE_CHECKING:
    from pathlib import Path

ROUTES = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
cairn-ab12cd	004D12C6	00000000	0001	0	0	0	00FFFFFF	0	0	0
""".splitlines()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(places, "SANDBOXES", tmp_path / "sandboxes")
    return stand_in(tmp_path / "first", monkeypatch)


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "Pulumi.yaml").touch()
    monkeypatch.setenv("CAIRN_HOME", str(folder))
    return folder


def record_of(reservation: sandbox.Reservation, host: str) -> sandbox.HostRecord:
    return sandbox.HostRecord(
        checkout=str(house.root()),
        node="hub",
        host=host,
        os="debian-13",
        address=reservation.address,
        gateway=reservation.gateway,
        machine="c000000-10",
        host_key="",
        key_file=str(places.sandbox() / "ssh_key"),
    )


def remember(record: sandbox.HostRecord) -> None:
    places.sandbox().mkdir(parents=True, exist_ok=True)
    records.keep(record)


@given(st.text(min_size=1), st.sets(st.integers(0, 511), max_size=500))
def test_a_chosen_network_overlaps_no_taken_one(seed: str, numbers: set[int]) -> None:
    networks = list(POOL.subnets(new_prefix=24))
    chosen = choose_network(seed, [networks[number] for number in numbers])
    assert chosen in set(networks) - {networks[number] for number in numbers}


def test_the_same_checkout_gets_the_same_network_again() -> None:
    assert choose_network("/home/ana/cairn", []) == choose_network("/home/ana/cairn", [])


def test_a_pool_that_is_used_up_is_said() -> None:
    with pytest.raises(SandboxError, match="no free network left"):
        choose_network("/home/ana/cairn", [POOL])


def test_routes_of_the_computer_are_taken_but_its_default_route_and_our_bridge_are_not() -> None:
    found = parse_routes(ROUTES, but="cairn-ab12cd")
    assert found == {IPv4Network("192.0.2.0/24"): "interface eth0 of this computer"}


def test_a_foreign_bridge_takes_its_network() -> None:
    assert IPv4Network("198.18.77.0/24") in parse_routes(ROUTES, but="cairn-000000")


def test_a_host_keeps_its_address(checkout: Path) -> None:
    first = sandbox.reserve("hub", "core")
    sandbox.reserve("hub", "other")
    assert sandbox.reserve("hub", "core") == first


def test_two_hosts_have_two_addresses_on_one_network(checkout: Path) -> None:
    one, two = sandbox.reserve("hub", "core"), sandbox.reserve("hub", "other")
    assert one.address != two.address
    assert (one.network, one.gateway) == (two.network, two.gateway)


def test_the_package_cache_is_the_gateway(checkout: Path) -> None:
    reservation = sandbox.reserve("hub", "core")
    assert reservation.package_cache == f"http://{reservation.gateway}:3142"


def test_a_second_checkout_passes_over_the_network_of_the_first(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sandbox.reserve("hub", "core")
    remember(record_of(first, "core"))
    stand_in(tmp_path / "second", monkeypatch)
    monkeypatch.setattr(reservations, "_anew", lambda: network_for_seed(str(checkout)))
    assert sandbox.reserve("hub", "core").network != first.network


def network_for_seed(seed: str) -> dict[str, object]:
    taken = reservations.taken_networks().keys()
    return {"network": str(choose_network(seed, taken)), "addresses": {}}


def test_a_network_that_was_taken_meanwhile_is_refused_with_a_remedy(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = sandbox.reserve("hub", "core")
    stand_in(tmp_path / "second", monkeypatch)
    remember(record_of(mine, "core"))
    stand_in(checkout, monkeypatch)
    with pytest.raises(SandboxError, match=r"is now used by the sandbox of .*second; run `cairn"):
        reservations.confirm(mine)


def test_a_cleaned_checkout_recovers_its_addresses_from_hosts_that_exist(checkout: Path) -> None:
    before = sandbox.reserve("hub", "core")
    remember(record_of(before, "core"))
    reservations.release()
    assert sandbox.reserve("hub", "other").network == before.network
    assert sandbox.reserve("hub", "core") == before


def test_a_full_network_is_said_with_a_remedy(checkout: Path) -> None:
    for number in range(245):
        sandbox.reserve("hub", f"host-{number}")
    with pytest.raises(SandboxError, match="run `cairn sandbox remove --all`"):
        sandbox.reserve("hub", "one-too-many")


@pytest.mark.parametrize("name", ["", "Ada", "a_b", "-a", "a/b", "../a", "a" * 64])
def test_a_name_that_cannot_be_a_host_name_is_refused(checkout: Path, name: str) -> None:
    with pytest.raises(SandboxError, match="cannot name a sandbox host"):
        sandbox.reserve("hub", name)


def test_a_damaged_file_is_named(checkout: Path) -> None:
    sandbox.reserve("hub", "core")
    (checkout / ".cairn" / "sandbox-addresses.json").write_text("[")
    with pytest.raises(SandboxError, match=r"sandbox-addresses\.json cannot be read"):
        sandbox.reserve("hub", "core")
