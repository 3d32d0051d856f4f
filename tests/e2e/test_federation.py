"""A federation as the demo brings it up: a hub, two hospitals, a training; then what may not be.

Each test goes on where the last one ended, and leaves a federation that trains.
"""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING

import pytest

from e2e.federation import COMPUTE, HOSPITALS, HUB, OPS, ROOTS, Federation, waited

if TYPE_CHECKING:
    from e2e.houses import House

pytestmark = [pytest.mark.sandbox, pytest.mark.pulumi, pytest.mark.long]

A, B = HOSPITALS
#: `--log-cli-level=info` shows how each run ended.
SCREEN = logging.getLogger(__name__)
COMPLETED = "finished:completed"
KEY = re.compile(rb"-----BEGIN ([A-Z]+ )*PRIVATE KEY-----\s+\S{40}")
#: Folders of a host where something may lie; a key elsewhere is one that was carried.
LOOKED_AT = "/etc /var/lib /var/log /root /home /tmp /var/tmp /srv /run"
#: Where a host keeps the keys that it made.
KEPT = ("/etc/cairn/", "/etc/ssh/ssh_host_", "/etc/ssl/private/", "/run/credentials/")
IDENTITY = "/etc/cairn/federation"
CUT = (
    "nft add table inet cut && nft 'add chain inet cut out { type filter hook output priority "
    "-200; }' && nft add rule inet cut out tcp dport 443 drop"
)


@pytest.fixture(scope="module")
def shown(house: House) -> tuple[Federation, str]:
    """The federation, and the screen of the demo."""
    made = Federation(house)
    return made, made.shown_by("demo-federation")


@pytest.fixture
def federation(shown: tuple[Federation, str]) -> Federation:
    return shown[0]


def test_two_hospitals_train_one_model(shown: tuple[Federation, str]) -> None:
    federation, screen = shown
    assert screen.count(COMPLETED) >= 2
    for word in ("single", "federated", "central"):
        assert re.search(rf"^ *{word} ", screen, re.MULTILINE), word
    for node in HOSPITALS:
        assert federation.member(node)["status"] == "enrolled"
    for node in (HUB, *HOSPITALS):
        federation.house.cairn("verify", node)


def test_the_account_of_the_runs_stands_on_all_sides(federation: Federation) -> None:
    for node in (HUB, *HOSPITALS):
        told = federation.house.cairn("runs", node)
        assert federation.digest[:12] in told.out
        assert "Phantom" not in told.all


def test_no_private_key_is_on_another_machine_than_its_own(federation: Federation) -> None:
    root = federation.house.root
    # The root's own is encrypted; the key of whoever signs applications was made here.
    own = {f"{ROOTS}/root/root.key", f"{ROOTS}/signer"}
    own |= {f"{ROOTS}/second/root.key"}
    left = {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and KEY.search(path.read_bytes())
    }
    assert {one for one in left if not one.startswith((".venv/", "src/"))} <= own
    prints: list[str] = []
    for node in (HUB, *HOSPITALS):
        look = f"grep -rlsE 'BEGIN ([A-Z]+ )*PRIVATE KEY' {LOOKED_AT} || true"
        found = federation.says(node, look).split()
        assert [one for one in found if not one.startswith(KEPT)] == []
        prints += federation.says(
            node, f"cd {IDENTITY} && sha256sum *.key | cut -d' ' -f1"
        ).split() if node != HUB else []  # fmt: skip
    assert len(set(prints)) == len(prints) == 2 * len(HOSPITALS)


def test_a_hospital_reaches_one_port_of_the_hub_and_no_other_hospital(
    federation: Federation,
) -> None:
    hub, other = (federation.host(node).address for node in (HUB, B))
    probe = (
        "import socket,sys\n"
        "for p in map(int, sys.argv[2:]):\n"
        "    s=socket.socket(); s.settimeout(2)\n"
        "    print(p, s.connect_ex((sys.argv[1], p)))\n"
    )
    closed = "22 80 5432 8000 8080 9000 9091 9092 9093 9094 18000"
    for address, ports in ((hub, closed), (other, f"{closed} 443 4243 7070 8042 8443 11112")):
        told = federation.says(A, f"python3 -c '{probe}' {address} {ports}")
        assert len(told.splitlines()) == len(ports.split())
        assert [line for line in told.splitlines() if line.endswith(" 0")] == [], address
    opened = federation.says(A, f"runuser -u cairn-fl-forward -- python3 -c '{probe}' {hub} 443")
    assert opened.strip() == "443 0"


def test_the_hub_shows_a_hospital_no_page_that_gives_orders(federation: Federation) -> None:
    pages = ("/docs", "/openapi.json", "/v1/control/list-runs", "/v1/runtime/acquire-task",
             "/admin", "/provisioners", "/health")  # fmt: skip
    told = federation.shown(A, *pages)
    assert len(told) == len(pages)
    assert set(told) <= {403, 404}


def test_an_application_that_nobody_approved_runs_nowhere(federation: Federation) -> None:
    for node in HOSPITALS:
        federation.house.cairn("app", "revoke", node, federation.digest, "--by", OPS)
    assert COMPLETED not in federation.train(status=4)
    for node in HOSPITALS:
        federation.approve(node)
    assert COMPLETED in federation.train()


def test_one_site_alone_gives_no_result(federation: Federation) -> None:
    federation.house.cairn("hub", "suspend", B, "--hub", HUB)
    assert COMPLETED not in federation.train(status=4)
    federation.house.cairn("hub", "resume", B, "--hub", HUB)
    federation.trains_again()


@pytest.mark.parametrize(
    ("node", "harm", "seconds", "remedy"),
    [
        pytest.param(HUB, "systemctl kill -s KILL cairn-fl-link", 0, "true", id="hub killed"),
        pytest.param(A, "systemctl kill -s KILL cairn-fl-node", 0, "true", id="node killed"),
        pytest.param(A, "systemctl stop cairn-fl-agent", 0, "systemctl start cairn-fl-agent",
                     id="SuperExec dead"),
        pytest.param(A, CUT, 60, "nft delete table inet cut", id="network cut for a minute"),
    ],
)  # fmt: skip
def test_what_breaks_in_a_run_ends_it_and_harms_no_later_one(
    federation: Federation, node: str, harm: str, seconds: int, remedy: str
) -> None:
    work = federation.starts_to_train()
    federation.says(node, harm)
    time.sleep(seconds)
    federation.says(node, remedy)
    said = work.end()
    SCREEN.info(said.all)
    assert ("finished:" in said.all) or said.status != 0
    federation.trains_again()


def test_a_site_that_goes_dark_in_a_run_ends_it_and_comes_back(federation: Federation) -> None:
    work = federation.starts_to_train()
    federation.house.cairn("sandbox", "stop", B)
    said = work.end()
    SCREEN.info(said.all)
    assert COMPLETED not in said.all
    federation.house.cairn("verify", A)
    federation.house.cairn("sandbox", "start", B)
    federation.trains_again()


def test_a_hub_that_goes_dark_in_a_run_ends_it_when_it_comes_back(federation: Federation) -> None:
    work = federation.starts_to_train()
    (run, *_) = federation.runs()
    federation.house.cairn("sandbox", "stop", HUB)
    said = work.end()
    SCREEN.info(said.all)
    assert (said.status != 0, "Traceback" in said.all) == (True, False)
    federation.house.cairn("sandbox", "start", HUB)
    ended = rf"finished +{run} "
    waited(lambda: bool(re.search(ended, federation.house.cairn("runs", HUB).out)), "no end of it")
    federation.trains_again()


def test_a_node_that_is_revoked_in_a_run_is_out_within_a_minute(federation: Federation) -> None:
    work = federation.starts_to_train()
    federation.house.cairn("hub", "revoke", B, "--hub", HUB, "--yes")
    began = time.monotonic()
    waited(lambda: federation.shown(B, "/x") == [400], "a revoked node is let in", 60)
    assert time.monotonic() - began < 60
    said = work.end()
    SCREEN.info(said.all)
    assert COMPLETED not in federation.train(status=4)
    federation.invite(B)
    federation.trains_again()


def test_keys_of_a_node_are_changed(federation: Federation) -> None:
    before = federation.says(A, f"sha256sum {IDENTITY}/*.key")
    federation.invite(A, "rotate")
    after = federation.says(A, f"sha256sum {IDENTITY}/*.key")
    assert {*before.split()} & {*after.split()} == {f"{IDENTITY}/agent.key", f"{IDENTITY}/node.key"}
    federation.trains_again()


def test_another_root_takes_over(federation: Federation) -> None:
    root = federation.house.root
    first, second = root / ROOTS / "root", federation.another_root()
    known = {
        one: (one / "root.crt").read_text() + (one / "root.crl").read_text()
        for one in (first, second)
    }
    chain = (root / "nodes/try-hub-chain.crt").read_text()
    federation.stands_under(chain + known[second])
    federation.trains_again()
    anew = federation.signed_by(second)
    federation.stands_under(anew + known[first])
    federation.trains_again()
    for node in HOSPITALS:
        federation.renew(node)
    federation.stands_under(anew)
    federation.trains_again()
    for node in HOSPITALS:
        issuer = federation.says(
            node, f"openssl storeutl -noout -text -certs {IDENTITY}/node.crt | grep Issuer:"
        )
        assert "second" in issuer
        federation.house.cairn("verify", node)


def test_a_second_demo_makes_nothing_anew(federation: Federation) -> None:
    kept = {node: federation.says(node, "stat -c %Y /etc/cairn") for node in (HUB, *HOSPITALS)}
    federation.shown_by("demo-federation")
    assert federation.member(A)["status"] == federation.member(B)["status"] == "enrolled"
    assert kept == {node: federation.says(node, "stat -c %Y /etc/cairn") for node in kept}


def test_a_compute_node_trains_on_a_copy(federation: Federation) -> None:
    screen = federation.shown_by("demo-modes")
    modes = dict(
        re.findall(r"^ *(federated|hybrid|central) +(\S+, \S+|\S+) ", screen, re.MULTILINE)
    )
    assert modes == {
        "federated": f"{A}, {B}", "hybrid": f"{COMPUTE}, {A}", "central": f"{A}+{B}"
    }  # fmt: skip
    assert re.search(r" received +.*phantoms", federation.house.cairn("runs", COMPUTE).out)
    for node in (HUB, *HOSPITALS, COMPUTE):
        federation.house.cairn("verify", node)


def test_a_copy_never_counts_beside_the_data_set_that_it_is_of(federation: Federation) -> None:
    assert f"{COMPUTE} and {B} have the same data" in federation.train(status=4)


def test_a_compute_node_hands_its_tasks_to_slurm(federation: Federation) -> None:
    spec = federation.house.root / f"nodes/{COMPUTE}.yaml"
    told = spec.read_text().replace("compute: {", "compute: {scheduler: slurm, ")
    spec.write_text(told.replace("fl-agent]", "fl-agent, scheduler]"))
    federation.house.cairn("up", COMPUTE, "--yes")
    federation.trains_again("--set", "mode=hybrid", "--set", f"sites={A},{COMPUTE}")
    jobs = federation.says(COMPUTE, "cat /var/log/slurm/jobs.txt")
    assert len(re.findall(r"UserId=cairn-fl-agent\(.* Name=cell JobState=COMPLETED", jobs)) >= 3
    federation.house.cairn("verify", COMPUTE)


def test_a_recalled_copy_is_trained_on_no_more(federation: Federation) -> None:
    words = ("phantoms", "--from", COMPUTE, "--by", OPS)
    federation.house.cairn("dataset", "recall", B, *words)
    sites = ("--set", "mode=hybrid", "--set", f"sites={A},{COMPUTE}")
    assert COMPLETED not in federation.train(*sites, status=4)
    federation.trains_again("--set", f"sites={A},{B}")
