"""A hub and two nodes train one model on real hosts, and nothing but that gets through."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from cairn import sandbox
from federation import trial
from federation.trial import Authority, Trial, waited

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roles.harness import Ground

pytestmark = [pytest.mark.sandbox, pytest.mark.long]

NODES = {"a": "debian-13", "b": "debian-12"}
HEALTH = "/usr/local/libexec/cairn/agent-health"
UNITS = ("cairn-fl-forward", "cairn-fl-node", "cairn-fl-agent")
#: What the forwarder is asked by anybody on the node, and what the hub answers.
ASK = "curl -s -o /dev/null -w '%{http_code}' -m 10 --cacert /etc/cairn/fl-agent/ca.crt https://127.0.0.1:9443"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A hub with its server, and two nodes with agents that are not enrolled yet."""
    authority = Authority()
    try:
        hub = trial.hub_stands(tmp_path_factory.mktemp("hub"), authority)
        here = Trial(hub, authority)
        here.apply(hub)
        for name, os in NODES.items():
            here.nodes[name] = trial.node_stands(name, os, tmp_path_factory.mktemp(name), hub)
            here.apply(here.nodes[name])
        yield here
    finally:
        for name in ("hub", *NODES):
            sandbox.remove(trial.NODE, name)


@pytest.fixture(scope="module")
def enrolled(house: Trial) -> Trial:
    """The same, enrolled and known to the server."""
    for name, box in house.nodes.items():
        trial.enrol(box, name, house.authority)
        house.register(name, "enrolled")
    waited(
        lambda: (
            {one["status"] for one in house.known().values()} == {"registered"}
            and len(house.known()) == len(NODES)
        ),
        "the server does not know the nodes",
        60,
    )
    return house


def health(box: Ground) -> dict[str, str]:
    """Return what the agent says of itself: `yes` or `no` by the word of the question."""
    lines = box.ssh(f"sudo {HEALTH}").stdout.splitlines()
    return {word: said for said, word, _ in (line.split("\t") for line in lines)}


def is_well(box: Ground) -> bool:
    told = health(box)
    return bool(told) and set(told.values()) == {"yes"}


def test_before_the_node_is_enrolled_nothing_runs_and_nothing_failed(house: Trial) -> None:
    for box in house.nodes.values():
        for unit in UNITS:
            state = box.ask(f"systemctl show -P ActiveState -P ConditionResult {unit}").split()
            assert state == ["inactive", "no"]
        assert health(box)["enrolled"] == "no"
        assert box.ask("ss -Hltn 'sport = :9094 or sport = :9443'") == ""


def test_a_second_run_and_a_look_change_nothing_before_and_after(house: Trial) -> None:
    for box, role in ((house.hub, "hub_fl"), *((one, "fl_agent") for one in house.nodes.values())):
        assert house.apply(box, role) == []
        assert house.apply(box, role, check=True) == []


def test_enrolled_nodes_can_run_tasks(enrolled: Trial) -> None:
    for name, box in enrolled.nodes.items():
        waited(lambda box=box: is_well(box), f"{name} is not well: {health(box)}", 90)
        assert {*health(box)} == {"enrolled", "way", "node", "agent", "answer", "hub", "tasks",
                                  "approval"}  # fmt: skip


def completed(enrolled: Trial) -> dict[str, Any]:
    """Run the application to its end, and return the run."""
    enrolled.train()
    waited(lambda: enrolled.newest()["status"].startswith("finished"), "it does not end", 180)
    run = enrolled.newest()
    assert run["status"] == "finished:completed", run
    return run


def test_two_nodes_train_one_model(enrolled: Trial) -> None:
    run = completed(enrolled)
    log = enrolled.hub.ask(f"{trial.FLWR} log {run['run-id']} hub --show 2>&1")
    assert "LINE [ 2.  -3.   0.5]" in log


def test_an_enrolled_node_is_as_planned_again(enrolled: Trial) -> None:
    for box in enrolled.nodes.values():
        assert enrolled.apply(box, "fl_agent") == []
        assert enrolled.apply(box, "fl_agent", check=True) == []


def test_every_unit_is_shut_in(enrolled: Trial) -> None:
    wanted = [(enrolled.hub, ("cairn-fl-link", "cairn-fl-exec"))]
    wanted += [(box, UNITS) for box in enrolled.nodes.values()]
    for box, units in wanted:
        for unit in units:
            told = box.ask(f"systemd-analyze security --no-pager {unit}.service | tail -n 1")
            assert float(told.split(":")[1].split()[0]) <= 3.0, told


def test_each_secret_is_roots_and_no_key_is_in_anybodys_arguments(enrolled: Trial) -> None:
    for box in enrolled.nodes.values():
        modes = box.ask("cd /etc/cairn/fl-agent && stat -c '%a %U' *.secret *.key").splitlines()
        assert modes == ["600 root", "600 root"]
    modes = enrolled.hub.ask(
        "stat -c '%a %U' /etc/cairn/fl-hub/link.key /etc/cairn/fl-hub/*.secret"
    )
    assert modes.splitlines() == ["600 root", "600 root"]
    assert enrolled.hub.ask("stat -c '%a %U' /var/lib/cairn-fl/link") == "700 cairn-fl"


def test_a_node_reaches_its_part_of_the_server_and_nothing_that_gives_orders(
    enrolled: Trial,
) -> None:
    box = enrolled.nodes["a"]
    assert box.ask(f"{ASK}/v1/fleet/pull-messages") == "405"
    for path in ("/v1/control/list-nodes", "/v1/runtime/acquire-task", "/health", "/docs",
                 "/openapi.json", "/", "/v1/fleet/../control/list-nodes",
                 "/v1/fleet/%2e%2e/control/list-nodes"):  # fmt: skip
        assert box.ask(f"{ASK}{path} --path-as-is") in {"403", "404"}, path
    hub = enrolled.hub.place.address
    bare = f"curl -sk -o /dev/null -w '%{{http_code}}' -m 10 https://{hub}/v1/fleet/pull-messages"
    assert enrolled.hub.ask(bare) == "400"
    assert not reaches(box, "root", hub, 18000)


def reaches(box: Ground, user: str, address: str, port: int) -> bool:
    """Return whether an account of the host connects to an address."""
    tried = f"import socket; socket.create_connection(('{address}', {port}), 5)"
    return box.ssh(f'sudo runuser -u {user} -- python3 -c "{tried}"').returncode == 0


def test_only_the_forwarders_user_reaches_the_hub_and_the_others_nothing(enrolled: Trial) -> None:
    hub = enrolled.hub.place.address
    for box in enrolled.nodes.values():
        assert reaches(box, "cairn-fl-forward", hub, 443)
        for user in ("cairn-fl-node", "cairn-fl-agent"):
            assert not reaches(box, user, hub, 443)
            assert not reaches(box, user, str(box.place.gateway), 3142)
            assert reaches(box, user, "127.0.0.1", 9094)
        assert reaches(box, "root", str(box.place.gateway), 3142)


def test_the_agent_reads_no_key_and_asks_for_tasks_with_the_secret_alone(enrolled: Trial) -> None:
    box = enrolled.nodes["a"]
    for user in ("cairn-fl-agent", "cairn-fl-node"):
        for file in ("node.key", "agent.key"):
            read = box.ssh(f"sudo runuser -u {user} -- cat {trial.IDENTITY}/{file}")
            assert read.returncode != 0
    ask = (
        "curl -s -o /dev/null -w '%{http_code}' -X POST -H 'content-type: application/protobuf' "
        "http://127.0.0.1:9094/v1/runtime/acquire-task"
    )
    assert box.ask(ask) == "401"


def test_an_agent_that_is_dead_is_seen_and_one_that_was_killed_comes_back(enrolled: Trial) -> None:
    box = enrolled.nodes["a"]
    box.ask("systemctl kill -s KILL cairn-fl-agent")
    waited(lambda: is_well(box), "the agent does not come back", 60)
    box.ask("systemctl stop cairn-fl-agent")
    told = health(box)
    assert (told["answer"], told["agent"], told["tasks"]) == ("yes", "no", "no")
    box.ask("systemctl start cairn-fl-agent")
    waited(lambda: is_well(box), "the agent does not come back", 60)


def test_a_new_certificate_is_taken_up_without_losing_the_hub(enrolled: Trial) -> None:
    box = enrolled.nodes["a"]
    certificate, key = enrolled.authority.issue(f"a.{trial.DOMAIN}")
    before = box.ask("systemctl show -P MainPID cairn-fl-node")
    trial.put(box, f"{trial.IDENTITY}/node.crt", certificate)
    trial.put(box, f"{trial.IDENTITY}/node.key", key, "0600")
    box.ask(f"run-parts {trial.IDENTITY}/renewed.d")
    waited(lambda: is_well(box), "the agent does not go on", 60)
    assert box.ask("systemctl show -P MainPID cairn-fl-node") == before


@pytest.mark.parametrize("name", NODES)
def test_a_certificate_of_somebody_else_is_refused_both_ways(enrolled: Trial, name: str) -> None:
    box, other = enrolled.nodes[name], Authority()
    kept = box.ask(f"cat {trial.IDENTITY}/node.crt"), box.ask(f"cat {trial.IDENTITY}/node.key")
    certificate, key = other.issue(f"{name}.{trial.DOMAIN}")
    trial.put(box, f"{trial.IDENTITY}/node.crt", certificate)
    trial.put(box, f"{trial.IDENTITY}/node.key", key, "0600")
    box.ask("systemctl restart cairn-fl-forward")
    assert box.ssh(f"{ASK}/v1/fleet/pull-messages").stdout in {"000", "400"}
    for file, text in zip(("node.crt", "node.key"), kept, strict=True):
        trial.put(box, f"{trial.IDENTITY}/{file}", f"{text}\n", "0600")
    trial.put(box, f"{trial.IDENTITY}/ca.crt", other.pem)
    box.ask("systemctl restart cairn-fl-forward")
    assert box.ssh(f"{ASK}/v1/fleet/pull-messages").stdout == "000"
    trial.put(box, f"{trial.IDENTITY}/ca.crt", enrolled.authority.pem)
    box.ask("systemctl restart cairn-fl-forward")
    # The hub refuses a node that broke off for about a minute.
    waited(lambda: is_well(box), "the agent does not come back", 150)


def test_a_key_that_nobody_registered_activates_no_node(enrolled: Trial) -> None:
    # The certificate is the node's own, so that the gate lets it through.
    box, key, before = enrolled.nodes["a"], f"{trial.IDENTITY}/agent.key", enrolled.known()
    box.ask(f"mv {key} /root/kept && ssh-keygen -q -t ecdsa -b 384 -N '' -f {key}")
    began = enrolled.hub.ask("date +%s")
    box.ask("systemctl restart cairn-fl-node")
    said = f"journalctl -u cairn-fl-link -o cat --since @{began}"
    refused = f"{said} | grep -c 'No SuperNode found with the given public key' || true"
    waited(lambda: enrolled.hub.ask(refused) != "0", "a key that nobody knows is taken", 60)
    assert not is_well(box)
    assert enrolled.known() == before
    box.ask(f"rm {key}.pub && mv /root/kept {key} && systemctl restart cairn-fl-node")
    waited(lambda: is_well(box), "the agent does not come back", 180)


def test_the_server_comes_back_with_its_nodes(enrolled: Trial) -> None:
    before = enrolled.known()
    enrolled.hub.ask("systemctl restart cairn-fl-link")
    for box in enrolled.nodes.values():
        waited(lambda box=box: is_well(box), "the agent does not come back", 120)
    assert enrolled.known() == before


def test_a_node_whose_power_failed_is_let_in_again(enrolled: Trial) -> None:
    box = enrolled.nodes["a"]
    box.ask("systemctl kill -s KILL cairn-fl-node")
    waited(lambda: is_well(box), "the node is not let in again", 180)
    assert box.ask("systemctl show -P NRestarts cairn-fl-node") != "0"


CUT = """nft 'add table inet cut
add chain inet cut out { type filter hook output priority -200; }
add rule inet cut out tcp dport 443 drop'"""


def test_a_cut_of_a_minute_ends_a_run_clearly_and_harms_nobody(enrolled: Trial) -> None:
    box = enrolled.nodes["a"]
    enrolled.train()
    waited(lambda: enrolled.newest()["status"] == "running", "it does not begin", 60)
    box.ask(CUT)
    time.sleep(60)
    box.ask("nft delete table inet cut")
    waited(lambda: enrolled.newest()["status"].startswith("finished"), "it does not end", 240)
    for one in enrolled.nodes.values():
        waited(lambda one=one: is_well(one), "the agent does not come back", 180)
    completed(enrolled)


def test_a_hub_that_goes_down_in_a_run_leaves_the_next_one_whole(enrolled: Trial) -> None:
    enrolled.train()
    waited(lambda: enrolled.newest()["status"] == "running", "it does not begin", 60)
    enrolled.hub.ask("systemctl kill -s KILL cairn-fl-link")
    for one in enrolled.nodes.values():
        waited(lambda one=one: is_well(one), "the agent does not come back", 180)
    waited(lambda: enrolled.newest()["status"].startswith("finished"), "it does not end", 240)
    completed(enrolled)


def test_a_site_behind_a_proxy_reaches_the_hub_through_it_and_not_otherwise(
    enrolled: Trial,
) -> None:
    box, hub = enrolled.nodes["b"], enrolled.hub.place.address
    enrolled.hub.ask("systemd-run --quiet --unit=proxy python3 /root/proxy.py")
    enrolled.proxied.add("b")
    assert enrolled.apply(box, "fl_agent")
    assert enrolled.apply(box, "firewall")
    waited(lambda: is_well(box), "the agent does not come back", 120)
    assert f"CONNECT {trial.DOMAIN}:443" in enrolled.hub.ask("journalctl -u proxy -o cat")
    assert reaches(box, "cairn-fl-forward", hub, trial.PROXY_PORT)
    assert not reaches(box, "cairn-fl-forward", hub, 443)


def test_a_suspended_node_stays_known_and_a_revoked_one_is_taken_out(enrolled: Trial) -> None:
    enrolled.register("b", "suspended")
    waited(lambda: enrolled.known()["b"]["status"] == "suspended", "not suspended", 60)
    enrolled.register("b", "enrolled")
    waited(lambda: enrolled.known()["b"]["status"] == "registered", "not resumed", 60)
    enrolled.register("b", "revoked")
    waited(lambda: enrolled.known()["b"]["status"] == "unregistered", "not revoked", 60)
    box = enrolled.nodes["b"]
    box.ask("systemctl restart cairn-fl-node")
    waited(
        lambda: box.ask("systemctl show -P NRestarts cairn-fl-node") != "0",
        "the server takes a node that it does not know",
        60,
    )
    assert enrolled.known()["a"]["status"] == "registered"


def test_harm_done_by_hand_is_found_and_mended(enrolled: Trial) -> None:
    box = enrolled.nodes["a"]
    box.ask("chmod 0644 /etc/cairn/fl-agent/superexec.secret; systemctl stop cairn-fl-agent")
    box.ask("echo x >>/etc/cairn/fl-agent/forward.conf; rm /usr/local/libexec/cairn/agent-health")
    assert enrolled.apply(box, "fl_agent", check=True)
    assert enrolled.apply(box, "fl_agent")
    assert enrolled.apply(box, "fl_agent", check=True) == []
    waited(lambda: is_well(box), "the agent does not come back", 120)


def test_removal_leaves_the_identity_and_nothing_that_runs(enrolled: Trial) -> None:
    box = enrolled.nodes["a"]
    assert enrolled.apply(box, "fl_agent", tasks_from="remove")
    assert box.ask("ss -Hltn 'sport = :9094 or sport = :9443'") == ""
    assert box.ask("ls /etc/systemd/system | grep cairn-fl- || true") == ""
    assert "agent.key" in box.ask(f"ls {trial.IDENTITY}")
    assert enrolled.apply(enrolled.hub, "hub_fl", tasks_from="remove")
    assert enrolled.hub.ask("ss -Hltn sport = :18000") == ""
    assert "state.db" in enrolled.hub.ask("ls /var/lib/cairn-fl/link")
    assert enrolled.hub.ask("ls /etc/cairn/gate/locations.d") == ""
