"""The firewall on real hosts: what is declared passes, nothing else does, nobody is locked out."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from cairn import sandbox
from cairn.plan.model import ANYWHERE, Flow, PlannedRole
from cairn.plan.roles import firewall
from roles.harness import RELEASES, Ground, ground

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.sandbox

NODE = "role-firewall"
NAME = "archive.test"
LISTED = "nft --stateless --terse list table inet cairn"
COMPARE = "Compare the loaded rules with the planned ones"


@dataclass
class Walled:
    """A host behind the firewall, and listeners of our own that it tries to reach.

    Attributes:
        ground: The host.
        declared: Port of a listener that a flow names by address.
        named: Port of a listener that a flow names by host name.
        limited: Port of a listener that a flow opens to one account only.
        undeclared: Port of a listener that no flow speaks of.
    """

    ground: Ground
    declared: int
    named: int
    limited: int
    undeclared: int

    @property
    def gateway(self) -> str:
        """Our own address on the network of the host."""
        assert self.ground.place.gateway
        return self.ground.place.gateway

    def role(self, *, ssh: str = ANYWHERE, more: tuple[Flow, ...] = ()) -> PlannedRole:
        """Return the planned firewall; `ssh` is who may log in."""
        flows = (
            Flow("ssh", "in", ssh, "tcp", 22, "The tests log in.", "base"),
            Flow("declared", "out", self.gateway, "tcp", self.declared, "By address.", "base"),
            Flow("named", "out", NAME, "tcp", self.named, "By name.", "base"),
            Flow(
                "limited", "out", self.gateway, "tcp", self.limited, "One.", "base", user="courier"
            ),
            *more,
        )
        others = (PlannedRole("base", flows=flows),)
        return firewall.plan(replace(self.ground.context(), others=others))

    def reaches(self, port: int, address: str = "", user: str = "root") -> bool:
        """Whether a program of the host reaches a port of ours."""
        to = f"/dev/tcp/{address or self.gateway}/{port}"
        command = f"sudo -u {user} timeout 5 bash -c 'exec 3<>{to}'"
        return self.ground.ssh(command).returncode == 0


@contextlib.contextmanager
def listeners(address: str, count: int) -> Iterator[list[int]]:
    """Listen on so many free ports of an address of this computer."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server((address, 0))) for _ in range(count)]
        for one in sockets:
            threading.Thread(target=_accept, args=(one,), daemon=True).start()
        yield [one.getsockname()[1] for one in sockets]


def _accept(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            server.accept()[0].close()


@pytest.fixture(scope="module", params=RELEASES)
def walled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Walled]:
    """Yield a host whose firewall is applied; the sandbox lets it reach all our listeners."""
    host = request.param.replace("debian-", "d")
    with contextlib.ExitStack() as stack:
        stack.callback(sandbox.remove, NODE, host)
        here = ground(NODE, host, request.param, tmp_path_factory.mktemp(host))
        assert here.place.gateway
        ports = stack.enter_context(listeners(here.place.gateway, 4))
        egress = [{"to": here.place.gateway, "port": port, "protocol": "tcp"} for port in ports]
        sandbox.start(NODE, host, os=request.param, egress=egress)
        here.ask(f"echo {here.place.gateway} {NAME} >> /etc/hosts")
        here.ask("nft add table ip foreign")
        box = Walled(here, *ports)
        outcome = here.apply(box.role())
        assert outcome.failure is None, outcome.failure
        yield box


def changes(box: Walled, **how: object) -> list[str]:
    """Apply the usual rules and return the names of the tasks that changed something."""
    outcome = box.ground.apply(box.role(), **how)
    assert outcome.failure is None, outcome.failure
    return [change.task for change in outcome.changes]


def test_a_second_run_changes_nothing(walled: Walled) -> None:
    assert changes(walled) == []


@pytest.mark.parametrize("strategy", ["mitogen_linear", "linear"])
def test_check_mode_finds_nothing_after_an_apply(walled: Walled, strategy: str) -> None:
    assert changes(walled, check=True, strategy=strategy) == []


def test_a_declared_destination_is_reached(walled: Walled) -> None:
    assert walled.reaches(walled.declared)


def test_a_destination_declared_by_name_is_reached(walled: Walled) -> None:
    assert walled.reaches(walled.named, NAME)


def test_the_set_of_a_name_holds_its_address(walled: Walled) -> None:
    assert walled.gateway in walled.ground.ask("nft list set inet cairn flow_named_4")


def test_an_undeclared_destination_is_denied(walled: Walled) -> None:
    assert not walled.reaches(walled.undeclared)


def test_the_undeclared_destination_is_there_without_the_firewall(walled: Walled) -> None:
    walled.ground.ask("systemctl stop cairn-firewall")
    open_way = walled.reaches(walled.undeclared)
    walled.ground.ask("systemctl start cairn-firewall cairn-flows.timer cairn-flows.path")
    assert open_way


def test_a_flow_of_one_account_opens_when_the_account_comes(walled: Walled) -> None:
    before = walled.reaches(walled.limited)
    walled.ground.ask("id courier >/dev/null 2>&1 || useradd --system courier")
    walled.ground.ask(
        "for _ in $(seq 50); do nft list set inet cairn flow_limited_user | grep -q elements"
        " && exit 0; sleep 0.2; done; exit 1"
    )
    assert (before, walled.reaches(walled.limited, user="courier")) == (False, True)


def test_a_flow_of_one_account_stays_closed_to_others(walled: Walled) -> None:
    walled.ground.ask("id courier >/dev/null 2>&1 || useradd --system courier")
    assert not walled.reaches(walled.limited)


def _scan(address: str, at_once: int = 900) -> list[int]:
    """Return the ports of an address of our own that accept a connection.

    The kernel opens the connections of one batch while we wait, however busy this process is.
    """
    batches = [range(first, min(first + at_once, 65536)) for first in range(1, 65536, at_once)]
    return [port for batch in batches for port in _open_ports(address, batch)]


def _open_ports(address: str, ports: range) -> list[int]:
    with contextlib.ExitStack() as stack:
        doors = {port: stack.enter_context(socket.socket()) for port in ports}
        answers = select.poll()
        for port, door in doors.items():
            door.settimeout(0.0)
            door.connect_ex((address, port))
            answers.register(door, select.POLLOUT)
        time.sleep(0.3)
        answered = {number for number, _ in answers.poll(0)}
        return [
            port
            for port, door in doors.items()
            if door.fileno() in answered and not door.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        ]


def test_a_scan_from_outside_shows_declared_ports_only(walled: Walled) -> None:
    walled.ground.ask("systemd-run --quiet --unit=stray python3 -m http.server 8099")
    found = _scan(walled.ground.place.address)
    walled.ground.ask("systemctl stop cairn-firewall")
    without = _open_ports(walled.ground.place.address, range(8000, 8200))
    walled.ground.ask("systemctl start cairn-firewall; systemctl stop stray")
    assert (found, without) == ([22], [8099])


def test_rules_that_cut_ssh_off_undo_themselves(walled: Walled) -> None:
    before = walled.ground.ask(f"{LISTED}; cat {firewall.RULES}")
    quick = {"firewall_undo_after": 20, "firewall_proof_within": 8}
    # 198.51.100.0/24 is nobody's (RFC 5737).
    outcome = walled.ground.apply(walled.role(ssh="198.51.100.0/24"), variables=quick)
    after = walled.ground.ask(f"{LISTED}; cat {firewall.RULES}")
    assert outcome.failure
    assert "the former rules are back" in str(outcome.failure)
    assert after == before


def test_a_trial_that_nobody_ends_undoes_itself(walled: Walled) -> None:
    before = walled.ground.ask(f"{LISTED}; cat {firewall.RULES}")
    walled.ground.ask(f"sed -i /flow:declared/d {firewall.RULES}")
    walled.ground.ask("/usr/local/libexec/cairn/load-firewall try 3")
    during = walled.reaches(walled.declared)
    time.sleep(4)
    assert not during
    assert walled.ground.ask(f"{LISTED}; cat {firewall.RULES}") == before


def test_a_second_firewall_manager_is_refused_before_any_change(walled: Walled) -> None:
    walled.ground.ask("mkdir -p /etc/ufw; echo ENABLED=yes > /etc/ufw/ufw.conf")
    outcome = walled.ground.apply(walled.role(ssh="198.51.100.0/24"))
    walled.ground.ask("rm -r /etc/ufw")
    assert outcome.failure
    assert "Turn it off with `ufw disable`" in str(outcome.failure)
    assert outcome.changes == ()


def test_rules_that_nft_does_not_take_are_refused_before_they_are_in_place(walled: Walled) -> None:
    files = walled.ground.files(walled.role())
    bad = {
        path: replace(file, content="table inet cairn { nonsense }\n")
        for path, file in files.items()
    }
    outcome = walled.ground.apply(walled.role(), files=bad)
    assert outcome.failure
    assert walled.ground.ask(f"grep -c nonsense {firewall.RULES} || true") == "0"


@pytest.mark.parametrize(
    "harm",
    [
        "nft delete table inet cairn",
        "nft flush chain inet cairn forward",
        "nft insert rule inet cairn output accept",
        "nft flush ruleset",
    ],
)
def test_rules_changed_by_hand_differ(walled: Walled, harm: str) -> None:
    compare = "/usr/local/libexec/cairn/load-firewall same >/dev/null 2>&1; echo $?"
    walled.ground.ask(harm)
    harmed = walled.ground.ask(compare)
    walled.ground.ask("systemctl reload cairn-firewall")
    assert (harmed, walled.ground.ask(compare)) == ("1", "0")


def test_harm_done_by_hand_is_found_and_mended(walled: Walled) -> None:
    harm = {
        "nft delete table inet cairn": COMPARE,
        "systemctl stop cairn-flows.timer": "Start the firewall's units, now and at boot",
        f"echo '# mine' >> {firewall.RULES}": "Put the planned rules in place",
        "chmod 700 /usr/local/libexec/cairn/load-firewall": "Install the firewall's programs",
        "echo >> /etc/systemd/system/cairn-flows.path": "Install the firewall's units",
    }
    walled.ground.ask("; ".join(harm))
    found = changes(walled, check=True)
    changes(walled)
    assert set(found) == set(harm.values())
    assert changes(walled, check=True) == []


def test_a_restart_of_nftables_does_not_leave_the_host_open(walled: Walled) -> None:
    before = walled.ground.ask(LISTED)
    walled.ground.ask(
        "systemctl restart nftables; systemctl stop nftables; systemctl start nftables"
    )
    walled.ground.ask("systemctl start cairn-firewall; nft add table ip foreign")
    assert walled.ground.ask(LISTED) == before


def test_what_seldom_changes_is_kept_when_rules_are_loaded_anew(walled: Walled) -> None:
    walled.ground.ask("nft add element inet cairn flow_named_4 '{ 198.51.100.7 }'")
    walled.ground.ask("systemctl reload cairn-firewall")
    assert "198.51.100.7" in walled.ground.ask("nft list set inet cairn flow_named_4")


def test_an_address_is_forgotten_when_its_flow_means_another_name(walled: Walled) -> None:
    role = walled.role()
    files = walled.ground.files(role)
    other = {
        path: replace(file, content=file.content.replace(NAME, "other.test"))
        for path, file in files.items()
    }
    assert walled.ground.apply(role, files=other).failure is None
    held = walled.ground.ask("nft list set inet cairn flow_named_4")
    changes(walled)
    assert "elements" not in held


def test_the_units_are_hardened(walled: Walled) -> None:
    says = [
        walled.ground.ask(f"systemd-analyze security {unit}.service | tail -n 1").split()[-3]
        for unit in ("cairn-firewall", "cairn-flows")
    ]
    assert all(float(exposure) <= 3.0 for exposure in says)


def test_the_host_is_closed_again_after_a_reboot(walled: Walled) -> None:
    before = walled.ground.ask(LISTED)
    sandbox.restart(NODE, walled.ground.host)
    assert walled.ground.ask(LISTED) == before
    assert walled.reaches(walled.named, NAME)


def test_removal_takes_ours_and_leaves_the_rest(walled: Walled) -> None:
    walled.ground.ask("nft add table ip foreign")
    gone = walled.ground.apply(walled.role(), tasks_from="remove")
    left = walled.ground.ask(
        "nft list tables; ls /etc/systemd/system /etc/cairn /usr/local/libexec/cairn; "
        "systemctl is-system-running"
    )
    again = walled.ground.apply(walled.role(), tasks_from="remove")
    assert gone.failure is None
    assert again.changes == ()
    assert "table ip foreign" in left
    assert "inet cairn" not in left
    assert "cairn-f" not in left
    assert "running" in left


def test_check_mode_on_a_bare_host_ends_well(walled: Walled) -> None:
    walled.ground.apply(walled.role(), tasks_from="remove")
    walled.ground.ask("rm -rf /etc/cairn /usr/local/libexec/cairn")
    assert "Make the firewall's folders" in changes(walled, check=True)
