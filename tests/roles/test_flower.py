"""The environment of federated learning on real hosts: from one pack, without an index, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from cairn import house, sandbox
from cairn.plan.roles import flower
from roles.harness import RELEASES, ground

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.plan.model import PlannedRole
    from roles.harness import Ground

NODE = "role-flower"
TRY = """/opt/cairn/flower/bin/python -c '
import flwr, numpy, pydicom, importlib.metadata as m
print(m.version("flwr"), pydicom.__version__, int(numpy.ones((2, 2)).sum()))'"""


@pytest.mark.parametrize("entry", ["main", "remove"])
def test_the_argument_specs_say_the_same_as_the_defaults(entry: str) -> None:
    folder = house.root() / "roles" / "flower"
    specs = yaml.safe_load((folder / "meta/argument_specs.yml").read_text())["argument_specs"]
    defaults = yaml.safe_load((folder / "defaults/main.yml").read_text())
    options = specs[entry]["options"]
    assert {name: option["default"] for name, option in options.items()} == defaults


@pytest.fixture(scope="module", params=RELEASES)
def box(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """A host of each release with the environment."""
    host = request.param.replace("debian-", "d")
    try:
        here = ground(NODE, host, request.param, tmp_path_factory.mktemp(host))
        here.ask("apt-get update --quiet=2")
        assert changed(here)
        yield here
    finally:
        sandbox.remove(NODE, host)


def planned(box: Ground) -> PlannedRole:
    return flower.plan(box.context())


def changed(box: Ground, **how: object) -> list[str]:
    outcome = box.apply(planned(box), **how)
    assert outcome.failure is None, outcome.failure
    return [change.task for change in outcome.changes]


@pytest.mark.sandbox
def test_what_is_installed_is_what_the_lock_names(box: Ground) -> None:
    assert box.ask(TRY) == "1.41.0 3.0.2 4"
    kept = (house.root() / "tools/wheels" / f"flower-{flower.PYTHONS[box.os]}.txt").read_text()
    assert box.ask("cat /opt/cairn/flower/wanted.txt") == kept.strip()
    assert box.ask("ls -d /opt/cairn/flower/bin/pip* 2>/dev/null || true") == ""


@pytest.mark.sandbox
def test_what_starts_an_application_is_off_the_path(box: Ground) -> None:
    assert box.ask("ls /opt/cairn/flower/libexec") == "flwr-clientapp"
    assert "flwr-clientapp" not in box.ask("ls /opt/cairn/flower/bin").split()
    assert "Run a Flower ClientApp" in box.ask("/opt/cairn/flower/libexec/flwr-clientapp --help")


@pytest.mark.sandbox
def test_only_root_may_change_it(box: Ground) -> None:
    assert box.ask("find /opt/cairn -not -user root -o -not -type l -perm /022") == ""


@pytest.mark.sandbox
def test_a_second_run_and_a_look_change_nothing(box: Ground) -> None:
    assert changed(box) == []
    assert changed(box, check=True) == []


@pytest.mark.long
@pytest.mark.sandbox
def test_one_that_was_left_half_made_is_made_anew(box: Ground) -> None:
    folder = planned(box).variables["flower_folder"]
    box.ask(
        f"rm {folder}/complete {folder}/bin/flwr; mkdir /opt/cairn/flower-0; "
        "touch /opt/cairn/flower-0/complete"
    )
    assert "Install the wheels of the pack" in changed(box, check=True)
    assert changed(box)
    assert "1.41.0" in box.ask("/opt/cairn/flower/bin/flwr --version")
    assert box.ask("ls -d /opt/cairn/flower-*") == folder


@pytest.mark.sandbox
def test_other_bytes_are_refused(box: Ground) -> None:
    pack = planned(box).artefacts[0].path
    box.ask(f"cp {pack} /root/kept; echo x >>{pack}")
    look = box.apply(planned(box), tasks_from="preflight")
    box.ask(f"mv /root/kept {pack}")
    assert "has other bytes than the plan names" in str(look.failure)


@pytest.mark.sandbox
def test_removal_leaves_nothing(box: Ground) -> None:
    assert box.apply(planned(box), tasks_from="remove").failure is None
    assert box.ask("ls /opt/cairn") == ""
