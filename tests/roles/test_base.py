"""The role `base` on real hosts of both Debian releases."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cairn import sandbox
from cairn.ansible.job import HostFile
from cairn.plan.roles import base
from intake.stations import wait_for
from roles import harness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cairn.plan.model import PlannedRole
    from roles.harness import Ground

pytestmark = pytest.mark.sandbox

NODE = "role-base"
DROP_IN = "/etc/ssh/sshd_config.d/10-cairn.conf"
#: What is said of a host, by what the plan wants of it.
REFUSED: dict[str, dict[str, Any]] = {
    "clock": {"base_os": "debian-12", "base_clock_tolerance": -1},
    "MiB free": {"base_free_mib": 10**9},
    "name servers": {"base_name_servers": ["192.0.2.53"]},
    "daemon: exists on this host": {"base_administrators": ["maria", "daemon"]},
    "lacks: [clock]": {"base_capabilities": ["clock"]},
    "logs in as root": {"base_operator": "root"},
    "nowhere.example has no address": {
        "base_package_indexes": [{"url": "http://nowhere.example/InRelease", "proxy": ""}]
    },
    "does not get http://198.18.0.1:9": {
        "base_package_indexes": [
            {"url": "http://198.18.0.1:9/InRelease", "proxy": "http://127.0.0.1:9"}
        ]
    },
}
ORIGINALS = "cat /etc/issue /etc/issue.net /etc/apt/sources.list /etc/pam.d/common-session"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the private key of the administrator Maria."""
    path = tmp_path_factory.mktemp("key") / "maria"
    subprocess.run(["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


def planned(ground: Ground, key: Path, *names: str, **wishes: object) -> PlannedRole:
    line = key.with_suffix(".pub").read_text().strip()
    people = [{"name": name, "keys": [line]} for name in names or ("maria",)]
    return base.plan(ground.context(administrators=people, **wishes))


@pytest.fixture(scope="module", params=harness.RELEASES)
def ground(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, key: Path
) -> Iterator[Ground]:
    """Give a host that the role was applied to; each test leaves it as it found it."""
    host = f"test-{request.param}"
    sandbox.remove(NODE, host)
    fresh = harness.ground(NODE, host, request.param, tmp_path_factory.mktemp("runs"))
    fresh.ask(f"({ORIGINALS}) >/root/originals")
    if request.param == "debian-13":
        # sshd 10 turns an address away after some refused logins, and these tests make many.
        fresh.ask("echo PerSourcePenalties no >/etc/ssh/sshd_config.d/00-test.conf")
    first = fresh.apply(planned(fresh, key))
    assert first.failure is None, first.failure
    yield fresh
    sandbox.remove(NODE, host)


@pytest.fixture
def role(ground: Ground, key: Path) -> PlannedRole:
    return planned(ground, key)


def lets_maria_in(ground: Ground, key: Path) -> bool:
    return (
        ground.ssh("true", "-i", str(key), "-o", "IdentityAgent=none", user="maria").returncode == 0
    )


def test_a_second_run_changes_nothing(ground: Ground, role: PlannedRole) -> None:
    again = ground.apply(role)
    assert (again.failure, again.changes) == (None, ())


def test_a_look_in_check_mode_reports_nothing(ground: Ground, role: PlannedRole) -> None:
    look = ground.apply(role, check=True)
    assert (look.failure, look.changes) == (None, ())


def test_every_planned_service_runs_and_starts_at_boot(ground: Ground, role: PlannedRole) -> None:
    units = " ".join(service.unit for service in role.services)
    states = ground.ask(f"systemctl is-active {units}; systemctl is-enabled {units}").split()
    assert set(states) == {"active", "enabled"}


def test_nothing_on_the_host_has_failed(ground: Ground) -> None:
    assert ground.ask("systemctl is-system-running") == "running"


def test_drift_is_named_and_repaired(ground: Ground, role: PlannedRole) -> None:
    ground.ask("echo 'Storage=none' >>/etc/systemd/journald.conf.d/90-cairn.conf")
    ground.ask("chmod 0666 /etc/sudoers.d/cairn /etc/ssh/sshd_config.d/10-cairn.conf")
    ground.ask("rm /etc/issue.net && systemctl disable --now unattended-upgrades.service")
    ground.ask("usermod --expiredate 1 maria")
    seen = {change.task for change in ground.apply(role, check=True).changes}
    repaired = ground.apply(role)
    assert seen == {
        "Keep the journal across restarts, within its limits",
        "Put the rules of sudo in place",
        "Keep the SSH settings readable and root's own",
        "Show the login banner",
        "Start what must run, now and at every boot",
        "Make the accounts of the administrators",
    }
    assert {change.task for change in repaired.changes} == seen
    assert ground.apply(role, check=True).changes == ()


def test_drift_in_the_ssh_settings_is_shown_and_repaired(ground: Ground, role: PlannedRole) -> None:
    ground.ask(f"echo MaxAuthTries 9 >>{DROP_IN}; rm -r /etc/ssh/cairn-keys.d")
    look = ground.apply(role, check=True)
    assert look.failure is None
    shown = [change for change in look.changes if change.what == DROP_IN]
    assert "-MaxAuthTries 9" in shown[0].diff
    assert ground.apply(role).failure is None
    assert "MaxAuthTries 9" not in ground.ask(f"cat {DROP_IN}")


def test_a_missing_package_is_shown_and_installed_again(ground: Ground, role: PlannedRole) -> None:
    ground.ask("apt-get -qq remove -y unattended-upgrades")
    look = ground.apply(role, check=True)
    assert (look.failure, look.changes[0].task) == (None, "Install the packages")
    assert ground.apply(role).failure is None
    assert "install ok" in ground.ask("dpkg -s unattended-upgrades")


def test_a_password_is_no_way_in(ground: Ground) -> None:
    ground.ask("echo cairn:correct-horse | chpasswd")
    answer = ground.ssh("true", "-o", "PubkeyAuthentication=no", "-o", "IdentityFile=none")
    ground.ask("usermod --password '*' cairn")
    assert answer.returncode == 255
    assert "Permission denied (publickey)" in answer.stderr


def test_root_is_refused_even_with_a_good_key(ground: Ground) -> None:
    ground.ask("mkdir -p /root/.ssh && cp /home/cairn/.ssh/authorized_keys /root/.ssh/")
    answer = ground.ssh("true", user="root")
    ground.ask("rm -r /root/.ssh")
    assert "Permission denied" in answer.stderr


def test_an_administrator_logs_in_by_the_key_of_the_spec(ground: Ground, key: Path) -> None:
    answer = ground.ssh("id -nG; umask; ulimit -Hc", "-i", str(key), user="maria")
    assert answer.stdout.split() == ["maria", "sudo", "0027", "0"]


def test_no_service_writes_a_core_dump(ground: Ground) -> None:
    assert ground.ask("systemctl show --property=DefaultLimitCORE") == "DefaultLimitCORE=0"


def test_a_key_that_an_administrator_adds_opens_nothing(ground: Ground) -> None:
    ground.ask("cp -r /home/cairn/.ssh /home/maria/ && chown -R maria: /home/maria/.ssh")
    answer = ground.ssh("true", user="maria")
    ground.ask("rm -r /home/maria/.ssh")
    assert "Permission denied" in answer.stderr


def test_sudo_asks_an_administrator_for_a_password_chosen_once(ground: Ground, key: Path) -> None:
    def maria(command: str) -> subprocess.CompletedProcess[str]:
        return ground.ssh(command, "-i", str(key), user="maria")

    before = maria("sudo -n true")
    chosen = maria(r"printf 'horse-staple\nhorse-staple\n' | sudo -n choose-sudo-password")
    again = maria("sudo -n choose-sudo-password")
    allowed = maria("echo horse-staple | sudo -S id -u")
    ground.ask("usermod --password '!' maria")
    assert "password is required" in before.stderr
    assert chosen.returncode == 0, chosen.stderr
    assert "has a password already" in again.stderr
    assert allowed.stdout.strip() == "0"


def test_a_former_administrator_is_locked_and_loses_the_key(
    ground: Ground, key: Path, role: PlannedRole
) -> None:
    both = ground.apply(planned(ground, key, "maria", "jan"))
    assert both.failure is None
    ground.ask("setsid -f runuser -u jan -- sleep 1000 >/dev/null 2>&1 </dev/null")
    left = ground.apply(role, obsolete=("/etc/ssh/cairn-keys.d/jan",))
    assert left.failure is None
    assert ground.ask("passwd -S jan").split()[1] == "L"
    assert ground.ask("chage -l jan | grep 'Account expires'").endswith("Jan 02, 1970")
    assert ground.ask(
        "id -nG jan; ls /etc/ssh/cairn-keys.d; pgrep -u jan sleep || echo none"
    ).split() == ["jan", "maria", "none"]
    back = ground.apply(planned(ground, key, "maria", "jan"))
    assert back.failure is None
    answer = ground.ssh("true", "-i", str(key), user="jan")
    assert ground.apply(role, obsolete=("/etc/ssh/cairn-keys.d/jan",)).failure is None
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("AllowUsers cairn", "AllowUsers nobody", "allowusers cairn"),
        ("PermitRootLogin no", "PermitRootLogin perhaps", "unsupported option"),
    ],
)
def test_settings_that_sshd_refuses_never_take_effect(
    ground: Ground, role: PlannedRole, right: str, wrong: str, said: str
) -> None:
    files = ground.files(role)
    bad = HostFile(files[DROP_IN].content.replace(right, wrong))
    run = ground.apply(role, files={**files, DROP_IN: bad})
    assert run.failure is not None
    assert said in run.failure.message
    assert "the old ones are back" in run.failure.message
    assert ground.ask(f"cat {DROP_IN}") == files[DROP_IN].content.strip()
    assert ground.ask("systemctl list-units --all --no-legend 'cairn-guard*'") == ""


def test_settings_that_shut_the_operator_out_are_taken_back(
    ground: Ground, role: PlannedRole
) -> None:
    """The settings look right to sshd; only the login itself tells."""
    good = ground.ask(f"cat {DROP_IN}")
    shut = good + "\nMatch User cairn\n    AuthorizedKeysFile none\n"
    run = ground.apply(role, files={**ground.files(role), DROP_IN: HostFile(shut)})
    assert run.failure is not None
    assert "Permission denied (publickey)" in run.failure.message
    assert ground.ask(f"cat {DROP_IN}") == good


def test_the_guard_takes_settings_back_when_cairn_has_died(
    ground: Ground, role: PlannedRole
) -> None:
    good = ground.ask(f"cat {DROP_IN}")
    ground.ask("/usr/local/lib/cairn/guard-ssh arm 3")
    ground.ask(f"echo AllowUsers nobody >{DROP_IN}; systemctl reload ssh.service; sleep 0.3")
    assert ground.ssh("true").returncode == 255
    wait_for(lambda: ground.ssh("true").returncode == 0, "nobody gets in any more")
    assert ground.ask(f"cat {DROP_IN}") == good


def test_a_file_that_overrules_the_plan_is_named(ground: Ground, role: PlannedRole) -> None:
    ground.ask("echo PasswordAuthentication yes >/etc/ssh/sshd_config.d/05-site.conf")
    ground.ask(f"echo >>{DROP_IN}")
    run = ground.apply(role)
    ground.ask("rm /etc/ssh/sshd_config.d/05-site.conf")
    assert run.failure is not None
    assert "passwordauthentication no" in run.failure.message
    assert "sshd_config.d" in run.failure.message
    assert ground.apply(role).failure is None


def test_preflight_refuses_with_a_remedy_before_it_changes_anything(
    ground: Ground, role: PlannedRole
) -> None:
    ground.ask("rm /etc/issue.net")
    for said, variables in REFUSED.items():
        run = ground.apply(replace(role, variables={**role.variables, **variables}))
        assert run.failure is not None, said
        assert said in run.failure.message
        assert run.changes == ()
    assert ground.ask("ls /etc/issue.net 2>/dev/null || true") == ""
    assert ground.apply(role).failure is None


@pytest.mark.long
def test_it_runs_over_plain_ssh_as_well(ground: Ground, role: PlannedRole) -> None:
    plain = ground.apply(role, strategy="linear")
    assert (plain.failure, plain.changes) == (None, ())


def test_removal_leaves_the_host_as_it_was_and_the_way_in_open(
    ground: Ground, key: Path, role: PlannedRole
) -> None:
    paths = tuple(sorted(ground.files(role)))
    removed = ground.apply(role, tasks_from="remove", obsolete=paths)
    again = ground.apply(role, tasks_from="remove", obsolete=paths)
    left = ground.ask(
        f"{ORIGINALS} | diff - /root/originals; ls {' '.join(paths)} 2>/dev/null || true"
    )
    admitted = lets_maria_in(ground, key)
    back = ground.apply(role)
    assert (removed.failure, again.failure, again.changes) == (None, None, ())
    assert left.split() == ["/etc/issue", "/etc/issue.net"]
    assert not admitted
    assert back.failure is None
    assert lets_maria_in(ground, key)
