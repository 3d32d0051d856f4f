"""The diagram has each host and each peer once, and an arrow in the direction of the flow."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from cairn.cli.plan_mermaid import flowchart
from cairn.plan.model import Flow

if TYPE_CHECKING:
    from cairn.plan.model import Plan

CHART = """\
flowchart LR
  subgraph node["demo (data-provider, staging)"]
    host1["imaging-1<br>debian-13, 10.99.0.2<br>base<br>not yet: pacs"]
  end
  peer1(["10.0.0.0/24"])
  peer2(["hub.example.org"])
  peer3(["its name servers"])
  peer1 -->|"tcp 22"| host1
  host1 -->|"tcp 443"| peer2
  host1 -->|"tcp 53, udp 53"| peer3
"""


def test_the_chart_has_hosts_peers_and_ports(plan: Plan) -> None:
    assert flowchart(plan) == CHART


def test_a_flow_between_two_hosts_of_the_node_is_one_arrow(plan: Plan) -> None:
    first = plan.hosts[0]
    out = Flow("db", "out", "10.99.0.3", "tcp", 5432, "Rows.", "base")
    back = Flow("db", "in", "10.99.0.2", "tcp", 5432, "Rows.", "base")
    role = first.roles[0]
    asking = dataclasses.replace(first, roles=(dataclasses.replace(role, flows=(out,)),))
    asked = dataclasses.replace(
        first,
        name="archive-1",
        address="10.99.0.3",
        roles=(dataclasses.replace(role, flows=(back,)),),
    )
    chart = flowchart(dataclasses.replace(plan, hosts=(asking, asked)))
    assert chart.count("-->") == 1
    assert 'host1 -->|"tcp 5432"| host2' in chart


def test_a_quote_in_a_name_cannot_end_the_label(plan: Plan) -> None:
    assert '"de"mo' not in flowchart(dataclasses.replace(plan, node='de"mo'))
