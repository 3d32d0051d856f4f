"""The policy pack inside Pulumi: a spoilt spec, a foreign resource and an unknown value stop it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from cairn import house
from cairn.plan.model import Flow, Plan, PlannedHost, PlannedRole
from cairn.policy_pack.conformity import MACHINE, ROLE, Registered, Unknown, differences, missing
from policies.specimens import spoilt

HOST = PlannedHost(
    "hub-1", "debian-13", "198.18.0.10", sandbox=True, capabilities=(), volumes=("/srv/x",),
    roles=(
        PlannedRole(
            "base",
            variables={"base_os": "debian-13", "base_list": ("a", "b"), "base_none": None},
            flows=(Flow("dns", "out", "resolvers", "udp", 53, "Names are resolved.", "base"),),
        ),
    ),
)  # fmt: skip
PLAN = Plan("test-hub", "hub", "staging", "sha256:0", (HOST,))
MACHINE_INPUTS: dict[str, Any] = {
    "node": "test-hub",
    "host": "hub-1",
    "os": "debian-13",
    "volumes": ["/srv/x"],
    "egress": [{"to": "resolvers", "port": 53.0, "protocol": "udp"}],
}
ROLE_INPUTS: dict[str, Any] = {
    "node": "test-hub",
    "host": "hub-1",
    "role": "base",
    "variables": {"base_os": "debian-13", "base_list": ["a", "b"]},
    "files": {},
    "connection": Unknown(),
}


MACHINE_ONE = Registered(MACHINE, "hub-1-machine", MACHINE_INPUTS)
ROLE_ONE = Registered(ROLE, "hub-1-base", ROLE_INPUTS)


def role(**changes: Any) -> Registered:  # noqa: ANN401 - any input
    """Return the registered role with some inputs changed."""
    return ROLE_ONE._replace(inputs={**ROLE_INPUTS, **changes})


@pytest.mark.parametrize("found", [MACHINE_ONE, ROLE_ONE, Registered("cairn:node:Hub", "x", {})])
def test_what_is_registered_as_planned_has_no_difference(found: Registered) -> None:
    assert list(differences(found, PLAN)) == []


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (role(variables={"base_os": "debian-12"}), "(base_list, base_os)"),
        (role(variables=Unknown()), "`variables` is not known before the change"),
        (role(files={"/etc/x": {"content": Unknown()}}), "`files` is not known"),
        (role(files={"/etc/x": {"content": "y"}}), "`files` is not as planned (/etc/x)"),
        (role(node="another"), "`node` is not as planned"),
        (
            MACHINE_ONE._replace(inputs={**MACHINE_INPUTS, "egress": []}),
            "`egress` is not as planned",
        ),
        (Registered(ROLE, "hub-1-extra", {}), "the plan does not have it"),
        (Registered(MACHINE, "hub-1-base", {}), "planned as"),
    ],
)
def test_what_is_not_as_planned_is_named(found: Registered, told: str) -> None:
    (difference,) = differences(found, PLAN)
    assert told in difference


def test_what_the_program_leaves_out_is_named() -> None:
    assert list(missing({"hub-1-machine"}, PLAN)) == [
        "hub-1-base: the plan has it, the program does not register it"
    ]


class Pulumi:
    """A project of its own with one spec, previewed by the real CLI with the policy pack."""

    def __init__(self, folder: Path, spec: dict[str, Any], program: str | None = None) -> None:
        real = house.root()
        for name in ("roles", "templates", "policies", "tools", ".venv", "src"):
            (folder / name).symlink_to(real / name)
        shutil.copy(real / "Pulumi.yaml", folder)
        if program is None:
            (folder / "stacks").symlink_to(real / "stacks")
        else:
            (folder / "stacks").mkdir()
            (folder / "stacks" / "__main__.py").write_text(program)
        (folder / "nodes").mkdir()
        (folder / "nodes" / f"{spec['name']}.yaml").write_text(yaml.safe_dump(spec))
        self.pack = folder / "cairn-policy"
        self.pack.write_text(
            f"#!{sys.executable}\nfrom cairn.policy_pack.main import main\nmain()\n"
        )
        self.pack.chmod(0o755)
        self.folder, self.node = folder, spec["name"]
        self.environment = self._environment()
        self.cli = shutil.which("pulumi", path=self.environment["PATH"]) or "pulumi"
        self("stack", "init", self.node)

    def _environment(self) -> dict[str, str]:
        (self.folder / ".cairn" / "state").mkdir(parents=True, mode=0o700)
        (self.folder / ".cairn").chmod(0o700)
        (self.folder / ".cairn" / "passphrase").write_text("test")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PULUMI_", "CAIRN_"))}
        here = {**kept, "CAIRN_HOME": str(self.folder)}
        code = "import json; from cairn import house; print(json.dumps(house.pulumi_environment()))"
        told = subprocess.run(
            [sys.executable, "-c", code], env=here, capture_output=True, text=True, check=True
        )
        venv = Path(sys.executable).parent
        return {
            **here,
            **json.loads(told.stdout),
            "PATH": f"{venv}:{os.environ['PATH']}",
            "VIRTUAL_ENV": str(venv.parent),
        }

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.cli, *words, "--non-interactive", "--color=never"],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False,
            timeout=180,
        )  # fmt: skip

    def preview(self) -> subprocess.CompletedProcess[str]:
        """Preview with the policy pack."""
        return self("preview", "-s", self.node, "--policy-pack", str(self.pack))


def hub(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any YAML
    """Return a hub on an existing machine."""
    return spoilt("hub", {"hosts.0.runs": [], **changes})


@pytest.mark.pulumi
def test_a_good_node_passes_the_pack(tmp_path: Path) -> None:
    done = Pulumi(tmp_path, hub()).preview()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cairn@v0.0.1" in done.stdout.partition("Policies:")[2], done.stdout


@pytest.mark.pulumi
def test_a_spoilt_spec_stops_the_preview_by_the_id_of_the_check(tmp_path: Path) -> None:
    spec = hub(**{"hub.node_authentication": False})
    done = Pulumi(tmp_path, spec, program="import pulumi\npulumi.export('x', 1)\n").preview()
    assert done.returncode != 0
    assert "[mandatory]" in done.stdout
    assert "HUB-01" in done.stdout


@pytest.mark.pulumi
def test_the_same_mistake_is_seen_by_check_by_raw_pulumi_and_by_the_pack(tmp_path: Path) -> None:
    pulumi = Pulumi(tmp_path, hub(**{"hub.node_authentication": False}))
    cairn = [str(Path(sys.executable).parent / "cairn"), "check", pulumi.node]
    checked = subprocess.run(
        cairn, env=pulumi.environment, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 3
    assert "HUB-01" in checked.stdout
    # Nothing is registered, so nothing can be changed.
    for words in (("up", "--yes"), ("preview", "--policy-pack", str(pulumi.pack))):
        done = pulumi(*words, "-s", pulumi.node)
        assert done.returncode != 0
        assert "HUB-01" in done.stdout + done.stderr
        assert "imaging-1" not in pulumi("stack", "export", "-s", pulumi.node).stdout


@pytest.mark.pulumi
def test_a_program_that_leaves_out_the_plan_is_stopped(tmp_path: Path) -> None:
    done = Pulumi(tmp_path, hub(), program="import pulumi\npulumi.export('x', 1)\n").preview()
    assert done.returncode != 0
    assert "plan-is-complete" in done.stdout
    assert "imaging-1-firewall: the plan has it" in done.stdout


FOREIGN = """
import json, pulumi
class Role(pulumi.CustomResource):
    pass
inputs = {"node": "test-hub", "host": "imaging-1", "role": "extra", "variables": {},
          "files": {"/etc/x": {"content": "x", "mode": "0644", "owner": "root", "group": "root"}},
          "connection": {"local": True, "address": "local", "port": 22, "user": "cairn",
                         "key_file": None, "host_key": None, "become_password": None}}
Role("cairn:index:Role", "imaging-1-firewall", inputs)
"""


@pytest.mark.pulumi
def test_a_resource_that_differs_from_the_plan_is_stopped(tmp_path: Path) -> None:
    done = Pulumi(tmp_path, hub(), program=FOREIGN).preview()
    assert done.returncode != 0
    assert "resource-follows-the-plan" in done.stdout
    assert "imaging-1-firewall: `files` is not as planned" in done.stdout
