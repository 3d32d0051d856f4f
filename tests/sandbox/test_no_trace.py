"""After the last host is removed the computer is as it was before the first."""

from __future__ import annotations

import itertools
import os
import pkgutil
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cairn import house, sandbox
from cairn.sandbox import commands, places, records

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.hosts import Host

pytestmark = pytest.mark.sandbox

#: How the names of what belongs to a sandbox begin, and the label of its checkout.
LABEL = r"(?:cairn[-_]|vb-c|vc-|sandboxes/|machine=c|nspawn/[a-z-]+/c)([0-9a-f]{6})"
LAUNCH = "cairn.sandbox.processes.Process.of"


def trace() -> set[str]:
    """Return what the computer has of mounts, links, rules, groups, processes and folders.

    What other checkouts' sandboxes come and go with meanwhile is left out by their labels.
    """
    seen = {
        *Path("/proc/self/mountinfo").read_text().splitlines(),
        *(f"link {path.name}" for path in Path("/sys/class/net").iterdir()),
        *(f"rules {line}" for line in said("nft", "list", "tables")),
        *(f"group {path}" for path in Path("/sys/fs/cgroup").glob("**/cairn-*")),
        *(f"process {line}" for line in said("ps", "-eo", "args") if is_of_sandbox(line)),
        *(f"folder {path}" for path in places.SANDBOXES.glob("[!.]*/")),
        *(f"folder {path}" for path in Path("/run/systemd/nspawn").glob("*/c*-*")),
    }
    return {line for line in seen if not belongs_to_others(line)}


def said(*argv: str) -> list[str]:
    return subprocess.run(
        argv, capture_output=True, text=True, check=True, env=commands.environment()
    ).stdout.splitlines()


def is_of_sandbox(line: str) -> bool:
    """Tell a container by its command line; the package cache shows by its control group."""
    return bool(re.search(r"^[\w/]*systemd-nspawn\b", line))


def belongs_to_others(line: str) -> bool:
    """Tell by the labels in a line; the folder of network namespaces is that of all `ip netns`."""
    labels = re.findall(LABEL, line)
    return any(label != places.label() for label in labels) or " /run/netns " in line


def is_alone() -> bool:
    """Tell whether no other checkout of the computer has a sandbox."""
    return set(records.checkout_ids()) <= {house.checkout_id()}


def forwarding() -> str:
    return Path("/proc/sys/net/ipv4/ip_forward").read_text().strip()


@pytest.mark.parametrize("way", ["one by one", "all at once", "after a kill"])
def test_the_computer_is_as_before(
    own_checkout: Path, start_host: Callable[..., Host], way: str
) -> None:
    before, forwarded, alone = trace(), forwarding(), is_alone()
    one = start_host("one", volumes=["/srv/imaging"], memory=1 << 30)
    start_host("two")
    assert len(trace() - before) >= 8
    if way == "after a kill":
        os.kill(one.running.pid, 9)
    if way == "one by one":
        sandbox.remove("testing", "one")
        sandbox.remove("testing", "two")
    else:
        assert sandbox.remove_all() == ["testing/one", "testing/two"]
    assert trace() - before == set()
    assert not (places.SANDBOXES / house.checkout_id()).exists()
    if alone and is_alone():
        assert forwarding() == forwarded
        assert not places.SANDBOXES.exists()


@pytest.mark.parametrize(
    ("where", "time"),
    [
        pytest.param(LAUNCH, 1, id="when the package cache had just started"),
        pytest.param("cairn.sandbox.egress.apply", 1, id="before the packet filter"),
        pytest.param("cairn.sandbox.machine.boot", 1, id="before the boot"),
        pytest.param(LAUNCH, 2, id="when the container had just started"),
    ],
)
def test_a_start_that_was_cut_is_removed_as_well(
    own_checkout: Path,
    start_host: Callable[..., Host],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    time: int,
) -> None:
    before = trace()
    calls, called = itertools.count(1), pkgutil.resolve_name(where)

    def cut(*arguments: Any) -> Any:  # noqa: ANN401 - those of any function
        if next(calls) == time:
            raise KeyboardInterrupt
        return called(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(where, cut)
        with pytest.raises(KeyboardInterrupt):
            start_host("one")
    assert any(line.endswith("-package-cache") for line in trace() - before)
    assert sandbox.remove_all() == ["testing/one"]
    assert trace() - before == set()


def test_hosts_of_a_checkout_that_is_gone_are_orphans_and_can_be_removed(
    own_checkout: Path, start_host: Callable[..., Host], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    gone = tmp_path / "gone"
    gone.mkdir()
    (gone / "Pulumi.yaml").touch()
    with monkeypatch.context() as patch:
        patch.setenv("CAIRN_HOME", str(gone))
        start_host("lost")
        sandbox.stop("testing", "lost")
        [record] = records.read()
    assert not record.is_orphan
    gone.rename(tmp_path / "moved")
    assert record.is_orphan
    removed = sandbox.remove_orphans(progress=lambda _: None)
    assert f"testing/lost of {gone}" in removed
    assert record not in sandbox.hosts(all_checkouts=True)
