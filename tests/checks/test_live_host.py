"""A real host: sound after the roles were applied, red in each way it is tampered with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from cairn import house, sandbox
from cairn.ansible.job import Connection, RoleRun
from cairn.ansible.run import run_role
from cairn.checks.live import verify_node
from cairn.checks.verdicts import Judgement, Verdict
from cairn.plan.context import Place
from cairn.plan.derive import derive
from roles.harness import Ground, document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cairn.plan.model import Plan
    from cairn.spec.document import Document

pytestmark = pytest.mark.sandbox

NODE, HOST = "verify-trial", "box"
KEYS = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEp5Ky8qMi669H7hSrzmfG2d6AgOuICyTx37p/tOoCgj a",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHqE/P5ZltJ65LJ8VDs0i6RZzm4Wld0S7UtW9Kjl13mx b",
)
PEOPLE = [{"name": "amarin", "keys": [KEYS[0]]}, {"name": "bferrer", "keys": [KEYS[1]]}]

#: What somebody does to the host, and the check and place that notice.
TAMPERING = {
    "echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/05-x.conf": ("HST-01", "sshd -T"),
    "echo 'Ciphers aes128-cbc' >>/etc/ssh/sshd_config.d/05-x.conf": ("HST-02", "ciphers"),
    "nft insert rule inet cairn output tcp dport 443 accept": ("HST-03", "nft list"),
    "systemd-run --unit=stray python3 -m http.server 8099": ("HST-04", "tcp/8099"),
    "useradd -m -s /bin/bash mallory": ("HST-15", "account mallory"),
    "echo 'toor:x:0:0::/:/bin/sh' >>/etc/passwd": ("HST-15", "number 0"),
    "echo 'amarin ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/zz": ("HST-15", "sudoers"),
    "systemctl disable --now apt-daily-upgrade.timer": ("SVC-01", "apt-daily-upgrade.timer"),
    "printf '#!/bin/sh\nexit 0\n' >/usr/bin/who": ("HST-20", "/usr/bin/who"),
    "chmod 0666 /etc/issue": ("FIL-01", "/etc/issue"),
    "echo x >>/etc/issue.net": ("FIL-01", "/etc/issue.net"),
    "mkdir -p /etc/systemd/journald.conf.d; printf '[Journal]\\nStorage=volatile\\n' "
    ">/etc/systemd/journald.conf.d/99-x.conf": ("LOG-03", "Storage"),
    "echo 'APT::Get::AllowUnauthenticated \"true\";' >/etc/apt/apt.conf.d/99x": (
        "HST-14",
        "sources",
    ),
}


class Trial:
    """A sandbox host with the three roles of every host on it."""

    document: Document = document(NODE, "debian-13", administrators=PEOPLE)

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.plan = self.planned(ground.place)

    @classmethod
    def planned(cls, place: Place) -> Plan:
        """Return the plan of the host at that place."""
        return derive(cls.document, {HOST: place})

    def apply(self) -> None:
        """Apply all roles."""
        for role in self.plan.host(HOST).roles:
            outcome = asyncio.run(run_role(self._run(role.name), _silent))
            assert outcome.failure is None, outcome.failure

    def verify(self) -> Judgement:
        """Ask every host check."""
        return verify_node(self.document, self.plan, {HOST: self.ground.running.connection})

    def _run(self, name: str) -> RoleRun:
        role = next(role for role in self.plan.host(HOST).roles if role.name == name)
        return RoleRun(
            node=NODE,
            host=HOST,
            role=name,
            roles=str(house.root() / "roles"),
            log=str(self.ground.folder / "log"),
            work=str(self.ground.folder / "work"),
            connection=Connection(**self.ground.running.connection),
            variables=dict(role.variables),
            files=self.ground.files(role),
        )


async def _silent(_: str) -> None:
    """Say nothing."""


def _started(folder: Path) -> Ground:
    """Start a host that may go where its plan says."""
    reserved = sandbox.reserve(NODE, HOST)
    place = Place(reserved.address, "cairn", reserved.gateway, reserved.package_cache)
    egress = [
        {"to": flow.peer, "port": flow.port, "protocol": flow.protocol}
        for flow in Trial.planned(place).host(HOST).flows
        if flow.direction == "out"
    ]
    running = sandbox.start(NODE, HOST, os="debian-13", egress=egress)
    return Ground(NODE, HOST, "debian-13", folder, running, place)


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """Start a host, apply the roles, and take it away at the end."""
    folder: Path = tmp_path_factory.mktemp("verify")
    (folder / "work").mkdir(mode=0o700)
    found = Trial(_started(folder))
    try:
        found.apply()
        yield found
    finally:
        sandbox.remove(NODE, HOST, delete_data=True)


def test_a_host_is_sound_until_somebody_tampers_with_it(trial: Trial) -> None:
    sound = trial.verify()
    assert sound.blocking == (), "\n".join(str(found) for found in sound.blocking)
    for command in TAMPERING:
        trial.ground.ask(command)
    tampered = trial.verify()
    red = [(one.check, one.place) for one in tampered.findings if one.verdict is Verdict.FAIL]
    unnoticed = [
        command
        for command, (check, place) in TAMPERING.items()
        if not any(seen == check and place in where for seen, where in red)
    ]
    assert unnoticed == []


#: A program that tells what everybody wants to hear, over a host that was opened.
LYING = """
cp /usr/sbin/nft /root/nft
nft list ruleset >/root/asked
nft -j list ruleset >/root/asked.json
cat >/usr/sbin/nft <<'END'
#!/bin/sh
case "$*" in *-j*) cat /root/asked.json;; *list*) cat /root/asked;; *) exec /root/nft "$@";; esac
END
/root/nft flush ruleset
"""


def test_a_host_that_lies_about_its_firewall_never_passes(trial: Trial) -> None:
    """It shows the rules of the plan; what passes, and what nft is, say otherwise."""
    trial.ground.ask(LYING)
    red = {one.check for one in trial.verify().findings if one.verdict is Verdict.FAIL}
    assert {"HST-05", "HST-20"} <= red


def test_each_finding_of_a_host_has_its_evidence(trial: Trial) -> None:
    asked = [one for one in trial.verify().findings if one.verdict in {Verdict.PASS, Verdict.FAIL}]
    assert [one.check for one in asked if not one.evidence] == []


def test_another_host_key_leaves_everything_not_evaluated(trial: Trial) -> None:
    connection = {**trial.ground.running.connection, "host_key": KEYS[0].rpartition(" ")[0]}
    judgement = verify_node(trial.document, trial.plan, {HOST: connection})
    asked = [one for one in judgement.findings if one.verdict is not Verdict.NOT_APPLICABLE]
    assert {one.verdict for one in asked} == {Verdict.NOT_EVALUATED}
    assert "another host key" in asked[0].message
