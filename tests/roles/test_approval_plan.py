"""What the plan lets apps do on a node, and what the hub keeps of them."""

from __future__ import annotations

import json

import pytest

from cairn.plan.roles import account, approval, hub_apps
from roles.test_fl_agent_plan import context, rendered

RULES = "/etc/cairn/fl-agent/rules.json"
CELL = "/etc/systemd/system/cairn-fl-agent.service.d/50-cell.conf"


def test_the_programs_know_of_the_spec_what_they_judge_by() -> None:
    mine = context()
    rules = json.loads(rendered(approval.plan(mine))[RULES])
    assert rules["node"] == "demo-hospital-a"
    assert rules["datasets"] == [one.name for one in mine.spec.datasets]
    assert [one["id"] for one in rules["permits"]] == [one.id for one in mine.spec.permits]
    assert rules["limits"]["seconds"] == 60 * mine.spec.fl_agent.minutes_per_task
    assert rules["storage"]["url"] == "https://127.0.0.1:7070"
    assert set(rules["permits"][0]) == {"id", "datasets", "expires"}


def test_what_starts_tasks_finds_one_program_and_no_other() -> None:
    lines = rendered(approval.plan(context()))[CELL].splitlines()
    assert f"Environment=PATH={approval.PROGRAMS}" in lines


def test_a_host_without_frozen_data_says_that_no_app_can_run() -> None:
    mine = context()
    host = mine.host.model_copy(update={"runs": ("fl-agent",)})
    role = approval.plan(type(mine)(mine.document, host, mine.place))
    assert role.without == (approval.NO_DATA,)
    assert json.loads(rendered(role)[RULES])["storage"] is None


def test_lines_are_handed_in_by_the_agent_on_a_node() -> None:
    role = account.plan(context())
    assert role.variables == {"account_writers": "cairn-fl-agent"}
    units = rendered(role)
    assert "SocketGroup=cairn-fl-agent" in units["/etc/systemd/system/cairn-account.socket"]


def test_a_hospital_keeps_no_apps_of_the_federation() -> None:
    with pytest.raises(TypeError, match="is no hub"):
        hub_apps.plan(context())
