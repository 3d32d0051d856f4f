"""The plan of the agent: who has the way out, who has the data, and that nobody has both."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import yaml

from cairn import house
from cairn.plan.context import Context, Place
from cairn.plan.model import PlannedHost
from cairn.plan.roles import fl_agent
from cairn.render.files import render_role
from cairn.spec.loader import load

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.plan.model import PlannedRole

HOSPITAL = house.root() / "nodes" / "demo-hospital-a.yaml"
UNITS = "/etc/systemd/system"


def context(**network: object) -> Context:
    """Return the demo hospital's only host; `network` are fields of its network."""
    papers = load(HOSPITAL)
    spec = papers.spec.model_copy(
        update={"network": papers.spec.network.model_copy(update=network)}
    )
    return Context(replace(papers, spec=spec), spec.hosts[0], Place("198.18.0.2", "cairn"))


def rendered(role: PlannedRole) -> dict[str, str]:
    host = PlannedHost("imaging-1", "debian-13", "198.18.0.2", True, (), (), (role,))  # noqa: FBT003
    return {file.path: file.content for file in render_role("demo-hospital-a", host, role)}


@pytest.mark.parametrize("role", ["fl_agent", "hub_fl"])
@pytest.mark.parametrize("entry", ["main", "remove"])
def test_the_argument_specs_say_the_same_as_the_defaults(role: str, entry: str) -> None:
    folder = house.root() / "roles" / role
    specs = yaml.safe_load((folder / "meta/argument_specs.yml").read_text())["argument_specs"]
    defaults = yaml.safe_load((folder / "defaults/main.yml").read_text())
    options = specs[entry]["options"]
    assert {name: option["default"] for name, option in options.items()} == defaults


def test_only_the_forwarder_has_a_way_out() -> None:
    role = fl_agent.plan(context())
    (flow,) = role.flows
    assert (flow.peer, flow.port, flow.user) == ("hub.demo.example", 443, "cairn-fl-forward")
    alone = {account.name: account.loopback_only for account in role.accounts}
    assert alone == {"cairn-fl-forward": False, "cairn-fl-node": True, "cairn-fl-agent": True}


def test_nothing_listens_but_on_the_loopback_and_only_once_enrolled() -> None:
    role = fl_agent.plan(context())
    assert {one.address for one in role.listeners} == {"127.0.0.1"}
    waits = {one.after for one in (*role.listeners, *role.services)}
    assert waits == {"/etc/cairn/federation/enrolled"}


def test_the_way_to_the_hub_shows_a_certificate_and_asks_for_one_of_the_federation() -> None:
    text = rendered(fl_agent.plan(context()))["/etc/cairn/fl-agent/forward.conf"]
    assert {
        "connect = hub.demo.example:443",
        "checkHost = hub.demo.example",
        "verifyChain = yes",
        "accept = 127.0.0.1:9443",
        "accept = /run/cairn-fl-forward/way",
        "sslVersionMin = TLSv1.3",
    } <= {*text.splitlines()}
    assert "protocol = connect" not in text


def test_a_site_behind_a_proxy_asks_it_for_a_tunnel_and_opens_nothing_else() -> None:
    role = fl_agent.plan(context(proxy="http://proxy.hospital.example:3128"))
    lines = rendered(role)["/etc/cairn/fl-agent/forward.conf"].splitlines()
    assert "connect = proxy.hospital.example:3128" in lines
    assert "protocolHost = hub.demo.example:443" in lines
    (flow,) = role.flows
    assert (flow.peer, flow.port, flow.tls) == ("proxy.hospital.example", 3128, None)
    assert "from hub.demo.example" in flow.why


def test_a_hub_that_is_reached_without_the_proxy_is() -> None:
    role = fl_agent.plan(
        context(proxy="http://proxy.hospital.example:3128", no_proxy=("hub.demo.example",))
    )
    assert role.flows[0].peer == "hub.demo.example"


def test_a_federation_without_such_a_hub_installs_nothing() -> None:
    place = context()
    federation = place.document.federation
    assert federation is not None
    ends = tuple(one for one in federation.endpoints if one.name != "fl")
    other = replace(place.document, federation=federation.model_copy(update={"endpoints": ends}))
    role = fl_agent.plan(replace(place, document=other))
    assert (role.files, role.flows, role.variables) == ((), (), {"fl_agent_wanted": False})
    assert "no endpoint `fl`" in role.without[0]


def test_no_unit_sees_both_a_key_and_data_and_none_reports_home() -> None:
    files = rendered(fl_agent.plan(context()))
    way, node, agent = (files[f"{UNITS}/{unit}"] for unit in fl_agent.UNITS)
    for unit in (way, node):
        assert "InaccessiblePaths=-/etc/cairn/federation -/srv/imaging" in unit
    assert "InaccessiblePaths=-/etc/cairn/federation" in agent
    assert "node.key" not in node + agent
    assert "agent.key" not in way + agent
    for unit in (node, agent):
        assert "FLWR_TELEMETRY_ENABLED=0 FLWR_DISABLE_UPDATE_CHECK=1" in unit
        assert "IPAddressDeny=any" in unit


def test_what_runs_applications_finds_the_approval_and_nothing_of_flower() -> None:
    unit = rendered(fl_agent.plan(context()))[f"{UNITS}/cairn-fl-agent.service"]
    path = next(line for line in unit.splitlines() if line.startswith("Environment=PATH="))
    words = path.removeprefix("Environment=PATH=").split()[0]
    assert words == "/usr/local/libexec/cairn/approval/bin:/usr/bin:/bin"


@pytest.mark.parametrize(
    "gives_up",
    ["return", "threading.Thread(target=lambda: 1 / 0).start(); time.sleep(60)"],
    ids=["asking for tasks", "in a thread"],
)
def test_a_supernode_that_has_given_up_ends_whatever_still_runs(
    tmp_path: Path, gives_up: str
) -> None:
    (tmp_path / "flwr/supernode").mkdir(parents=True)
    (tmp_path / "flwr/supernode/cli.py").write_text(
        "import threading, time\n"
        "def flower_supernode():\n"
        "    threading.Thread(target=time.sleep, args=(60,)).start()\n"
        f"    {gives_up}\n"
    )
    text = rendered(fl_agent.plan(context()))[fl_agent.STARTER]
    done = subprocess.run(
        [sys.executable, "-c", text], env={"PYTHONPATH": str(tmp_path)}, capture_output=True,
        text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done


def test_only_a_host_with_a_gpu_shows_devices() -> None:
    plain = context()
    host = plain.host.model_copy(update={"runs": (*plain.host.runs, "gpu")})
    unit = f"{UNITS}/cairn-fl-agent.service"
    assert "PrivateDevices=yes" in rendered(fl_agent.plan(plain))[unit]
    able = rendered(fl_agent.plan(replace(plain, host=host)))[unit]
    assert "SupplementaryGroups=cairn-gpu" in able
    assert "PrivateDevices=no" in able
