"""Debian packages: installed with root, named without, and no service started by it."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Checkout

SCRIPT = "tools/install-debian-packages"

#: Remembers what it was called with, and whether services were forbidden to start meanwhile.
APT_GET = r"""
echo "$*" >>"$HOME/apt-get"
if [ -x "$HOME/policy-rc.d" ]; then
    "$HOME/policy-rc.d" || echo "services may not start: $?" >>"$HOME/apt-get"
fi
sleep "${SECONDS_TO_INSTALL:-0}"
[ -z "${APT_FAILS:-}" ] || { echo "E: Unable to locate package nmap"; exit 100; }
"""


@pytest.fixture
def policy(checkout: Checkout) -> Path:
    """Return where the script believes the policy of service starts to be."""
    path = checkout.root / "home" / "policy-rc.d"
    script = checkout.root / SCRIPT
    text = script.read_text()
    assert "policy=/usr/sbin/policy-rc.d" in text
    text = text.replace("/usr/sbin/policy-rc.d", str(path))
    script.write_text(text.replace("/run/lock/", f"{checkout.root}/home/"))
    checkout.pretend("apt-get", APT_GET)
    checkout.pretend("id", "echo ${PRETENDED_USER:-0}")
    checkout.pretend("dpkg-query", '[ "${@: -1}" != nmap ] || exit 1; echo "ii "')
    return path


def calls(checkout: Checkout) -> list[str]:
    said = checkout.root / "home" / "apt-get"
    return said.read_text().splitlines() if said.exists() else []


def test_only_what_is_missing_is_installed(checkout: Checkout, policy: Path) -> None:
    code, said = checkout.run(SCRIPT)
    assert code == 0, said
    assert not policy.exists()
    (install,) = [call for call in calls(checkout) if " install " in call]
    assert install.endswith("install --yes --no-install-recommends nmap")


def test_no_service_may_start_meanwhile(checkout: Checkout, policy: Path) -> None:
    checkout.run(SCRIPT)
    assert not policy.exists()
    assert "services may not start: 101" in calls(checkout)


def test_a_policy_of_the_administrator_is_put_back(checkout: Checkout, policy: Path) -> None:
    policy.write_text("#!/bin/sh\nexit 104\n")
    checkout.run(SCRIPT)
    assert policy.read_text() == "#!/bin/sh\nexit 104\n"
    assert "services may not start: 101" in calls(checkout)


def test_a_failure_restores_the_policy_and_shows_what_apt_said(
    checkout: Checkout,
    policy: Path,
) -> None:
    policy.write_text("#!/bin/sh\nexit 104\n")
    checkout.variables["APT_FAILS"] = "yes"
    code, said = checkout.run(SCRIPT)
    assert code == 1
    assert "E: Unable to locate package nmap" in said
    assert policy.read_text() == "#!/bin/sh\nexit 104\n"


def test_being_stopped_restores_the_policy(checkout: Checkout, policy: Path) -> None:
    policy.write_text("#!/bin/sh\nexit 104\n")
    checkout.variables["SECONDS_TO_INSTALL"] = "2"
    process = checkout.start(SCRIPT)
    deadline = time.monotonic() + 20
    while not calls(checkout):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert policy.read_text() == "#!/bin/sh\nexit 104\n"


def test_what_a_killed_run_left_is_not_taken_for_the_administrator_s(
    checkout: Checkout,
    policy: Path,
) -> None:
    checkout.variables["SECONDS_TO_INSTALL"] = "2"
    process = checkout.start(SCRIPT)
    deadline = time.monotonic() + 20
    while not policy.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.communicate(timeout=20)
    assert policy.exists()
    checkout.run(SCRIPT)
    assert not policy.exists()


def test_without_root_the_exact_command_is_named(checkout: Checkout, policy: Path) -> None:
    checkout.variables["PRETENDED_USER"] = "1000"
    code, said = checkout.run(SCRIPT)
    assert code == 0
    assert "sudo apt-get install --no-install-recommends nmap" in said
    assert calls(checkout) == []
    assert not policy.exists()


def test_with_everything_there_nothing_is_said(checkout: Checkout, policy: Path) -> None:
    checkout.pretend("dpkg-query", "echo 'ii '")
    assert checkout.run(SCRIPT) == (0, "")
    assert calls(checkout) == []
    assert not policy.exists()
