"""A person reads every part of the plan, each flow with its why."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from cairn.cli import plan_text, screen
from cairn.spec.hosts import CAPABILITIES

if TYPE_CHECKING:
    from cairn.plan.model import Plan


@pytest.fixture
def told(plan: Plan, capsys: pytest.CaptureFixture[str]) -> str:
    """What a person reads about the only host of the plan."""
    screen.say(*plan_text.host_parts(plan.hosts[0]))
    return capsys.readouterr().out


@pytest.mark.parametrize(
    "phrase",
    [
        "imaging-1   debian-13   10.99.0.2   sandbox",
        "pacs: declared, but this release cannot install it yet",
        "data in  /srv/imaging",
        "10.0.0.0/24  tcp 22  Administrators log in.  [ssh-1]",
        "its name servers  udp 53   Names are looked up.",
        "Results go to the hub. Only as cairn-fl-agent. TLS 1.3 or higher.",
        "*:22  tcp  sshd",
        "administrator (SSH login, sudo with password, 1 key)",
        "base  openssh-server, sudo",
        "cairn-clean.timer (stopped, at boot)",
        "/etc/issue  0600 root:root  base",
        "lacks    a kernel of its own, a clock of its own, an audit daemon, AppArmor",
        "time synchronisation: the machine has no clock of its own",
    ],
)
def test_the_plan_is_told_in_full(told: str, phrase: str) -> None:
    assert phrase in told


def test_every_lack_of_a_machine_has_its_words() -> None:
    assert set(plan_text.LACKS) == set(CAPABILITIES)


def test_an_ordinary_machine_lacks_nothing(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    role = dataclasses.replace(plan.hosts[0].roles[0], without=())
    able = dataclasses.replace(plan.hosts[0], capabilities=CAPABILITIES, roles=(role,))
    screen.say(*plan_text.host_parts(able))
    told = capsys.readouterr().out
    assert "Left out" not in told
    assert "lacks" not in told
