"""The GPU role on real hosts that have none: it refuses, or says so, and changes nothing."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from cairn import sandbox
from cairn.plan.context import Context
from cairn.plan.roles import base, gpu
from policies.specimens import document
from roles.harness import RELEASES, ground
from roles.test_base_plan import rendered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.plan.model import PlannedRole
    from roles.harness import Ground

NODE = "role-gpu"
#: The driver of each release's non-free archive, as of its latest point release.
DRIVERS = {"debian-13": "550.163.01", "debian-12": "535.261.03"}
#: The role `base` names the component for firmware, which the driver needs too.
SOURCES = "/etc/apt/sources.list.d/cairn.sources"
BEFORE = (
    "find /etc /usr/local /var/lib/cairn* -newer /root/mark -type f | sort; dpkg -l | sha256sum"
)


@pytest.fixture(scope="module", params=RELEASES)
def box(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """Yield a host without a GPU."""
    host = request.param.replace("debian-", "d")
    try:
        here = ground(NODE, host, request.param, tmp_path_factory.mktemp(host))
        here.ask("touch /root/mark")
        yield here
    finally:
        sandbox.remove(NODE, host)


def planned(box: Ground, **wish: str) -> PlannedRole:
    """Return the planned role of a hospital on that host."""
    machine = {"name": "box", "machine": "sandbox", "os": box.os, "runs": ["gpu"]}
    changes = {"stage": "staging", "hosts": [machine], "gpu": wish}
    papers = document(box.folder, "data-provider", **changes)
    return gpu.plan(Context(papers, papers.spec.hosts[0], box.place))


@pytest.mark.sandbox
def test_a_stated_none_changes_nothing_and_fails_nowhere(box: Ground) -> None:
    before = box.ask(BEFORE)
    outcome = box.apply(planned(box, vendor="none"))
    assert outcome.failure is None
    assert outcome.changes == ()
    assert box.ask(BEFORE) == before


@pytest.mark.sandbox
def test_a_gpu_that_is_not_there_is_refused_before_any_change(box: Ground) -> None:
    before = box.ask(BEFORE)
    outcome = box.apply(planned(box, vendor="nvidia", driver=DRIVERS[box.os]))
    told = str(outcome.failure)
    assert "shares the kernel of the computer below" in told
    assert "write `gpu: {vendor: none}` into the spec" in told
    assert outcome.changes == ()
    assert box.ask(BEFORE) == before


@pytest.mark.sandbox
def test_removal_of_what_was_never_there_changes_nothing(box: Ground) -> None:
    outcome = box.apply(planned(box, vendor="none"), tasks_from="remove")
    assert outcome.failure is None, outcome.failure
    assert outcome.changes == ()


@pytest.mark.sandbox
def test_a_gpu_that_leaves_the_spec_takes_its_package_source_along(box: Ground) -> None:
    box.ask(f"echo '# left of a former spec' > {gpu.SOURCES}; groupadd --system cairn-gpu")
    outcome = box.apply(planned(box, vendor="none"), obsolete=(gpu.SOURCES,))
    assert outcome.failure is None, outcome.failure
    assert [change.task for change in outcome.changes] == [
        "Remove the files of the GPU",
        "Close the GPU to everybody",
    ]
    assert box.ssh(f"test -e {gpu.SOURCES} || getent group cairn-gpu").returncode != 0


@pytest.mark.sandbox
def test_the_archive_has_the_pinned_driver_and_no_other_is_taken(box: Ground) -> None:
    role = planned(box, vendor="nvidia", driver=DRIVERS[box.os])
    files = {**rendered(base.plan(box.context())), **rendered(role)}
    for path in (SOURCES, gpu.SOURCES, gpu.PINS):
        box.ask(f"printf %s {shlex.quote(files[path])} > {path}")
    try:
        box.ask("apt-get update --quiet=2")
        taken = box.ask(
            f"apt-get install --simulate --no-install-recommends {' '.join(gpu.DRIVER)}"
        )
        box.ask(f"sed -i 's/^Pin: version .*/Pin: version 1.2.3-*/' {gpu.PINS}")
        other = box.ssh("sudo apt-get install --simulate nvidia-kernel-dkms")
    finally:
        box.ask(f"rm {SOURCES} {gpu.SOURCES} {gpu.PINS}; apt-get update --quiet=2")
    assert f"Inst nvidia-kernel-dkms ({DRIVERS[box.os]}-" in taken
    assert other.returncode != 0
