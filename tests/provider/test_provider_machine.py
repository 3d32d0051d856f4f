"""A sandbox host as a resource, with a stand-in for the sandbox."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.empty_pb2 import Empty

from cairn import sandbox
from cairn.errors import SandboxError
from cairn.provider.wire import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Provider

MACHINE = "cairn:index:Machine"
INPUTS = {"node": "demo", "host": "host-1", "os": "debian-13", "volumes": [], "egress": []}
WAY = {"local": False, "address": "198.18.0.2", "port": 22, "user": "cairn"}


class Sandbox:
    """Hosts that exist in a dictionary: True when they run."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], bool] = {}
        self.deleted_data = False
        self.seconds = 0.0
        self.refusal: SandboxError | None = None

    def start(self, node: str, host: str, *, progress: Callable[[str], None], **_: Any) -> Any:  # noqa: ANN401
        if self.refusal:
            raise self.refusal
        progress("booting")
        time.sleep(self.seconds)
        self.known[node, host] = True
        return self._running()

    def find(self, node: str, host: str) -> Any:  # noqa: ANN401 - a stand-in
        return self._running() if self.known.get((node, host)) else None

    def hosts(self) -> list[Any]:
        return [SimpleNamespace(node=node, host=host) for node, host in self.known]

    def remove(self, node: str, host: str, *, delete_data: bool) -> None:
        self.known.pop((node, host), None)
        self.deleted_data |= delete_data

    def _running(self) -> Any:  # noqa: ANN401 - a stand-in
        return SimpleNamespace(connection=WAY, machine="cairn-host-1", pid=1)


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    stand_in = Sandbox()
    for name in ("start", "find", "hosts", "remove"):
        monkeypatch.setattr(sandbox, name, getattr(stand_in, name))
    return stand_in


def test_a_machine_lives_from_start_over_a_stop_to_its_removal(
    play: Callable[..., None], box: Sandbox
) -> None:
    async def scenario(provider: Provider) -> None:
        provider.kind = MACHINE
        inputs, failures = await provider.check({"node": "demo", "host": "host-1"})
        assert failures == []
        identity, outputs = await provider.create(inputs)
        assert (identity, outputs["connection"]) == ("demo/host-1", WAY)
        assert provider.engine.statuses == ["booting"]

        box.known["demo", "host-1"] = False
        _, stopped = await provider.read(inputs, outputs)
        assert stopped["drift"] == ["the host is not running"]
        assert list((await provider.diff(inputs, inputs, stopped)).detailedDiff) == ["drift"]
        assert (await provider.update(inputs, stopped, inputs))["drift"] == []

        await provider.delete(inputs, outputs)
        assert box.known == {}
        assert not box.deleted_data
        identity, _ = await provider.read(inputs, outputs)
        assert identity == ""

    play(scenario)


@pytest.mark.parametrize(("said", "deleted"), [("demo", True), ("other", False)])
def test_data_goes_only_where_the_nodes_name_is_repeated(
    play: Callable[..., None],
    box: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    deleted: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    monkeypatch.setenv("CAIRN_DELETE_DATA", said)

    async def scenario(provider: Provider) -> None:
        provider.kind = MACHINE
        await provider.delete(INPUTS, {})

    play(scenario)
    assert box.deleted_data is deleted


def test_another_release_is_another_machine_and_the_old_one_goes_first(
    play: Callable[..., None],
) -> None:
    async def scenario(provider: Provider) -> None:
        provider.kind = MACHINE
        answer = await provider.diff(INPUTS, {**INPUTS, "os": "debian-12"})
        assert list(answer.replaces) == ["os"]
        assert answer.deleteBeforeReplace
        answer = await provider.diff(INPUTS, {**INPUTS, "egress": [{"to": "x"}]})
        assert list(answer.replaces) == []

    play(scenario)


def test_a_preview_starts_nothing_and_knows_no_connection(
    play: Callable[..., None], box: Sandbox
) -> None:
    async def scenario(provider: Provider) -> None:
        provider.kind = MACHINE
        _, outputs = await provider.create(INPUTS, preview=True)
        assert outputs["connection"] is UNKNOWN
        outputs = await provider.update(INPUTS, {"connection": WAY}, INPUTS, preview=True)
        assert outputs["connection"] is UNKNOWN
        assert box.known == {}
        box.known["demo", "host-1"] = False
        outputs = await provider.update(INPUTS, {"connection": WAY}, INPUTS, preview=True)
        assert outputs["connection"] == WAY

    play(scenario)
    assert box.known == {("demo", "host-1"): False}


def test_a_host_that_was_stopped_or_removed_by_hand_is_started_by_the_next_up(
    play: Callable[..., None], box: Sandbox
) -> None:
    async def scenario(provider: Provider) -> None:
        provider.kind = MACHINE
        _, outputs = await provider.create(INPUTS)
        assert list((await provider.diff(INPUTS, INPUTS, outputs)).detailedDiff) == []
        box.known["demo", "host-1"] = False
        assert list((await provider.diff(INPUTS, INPUTS, outputs)).detailedDiff) == ["drift"]
        box.known.clear()
        assert list((await provider.diff(INPUTS, INPUTS, outputs)).detailedDiff) == ["drift"]

    play(scenario)


def test_a_refusal_of_the_sandbox_is_told_as_it_is(
    play: Callable[..., None], box: Sandbox, failed: type[Any]
) -> None:
    box.refusal = SandboxError("a sandbox needs root; run this as root")

    async def scenario(provider: Provider) -> None:
        provider.kind = MACHINE
        with pytest.raises(failed) as caught:
            await provider.create(INPUTS)
        assert caught.value.text == "a sandbox needs root; run this as root"
        assert caught.value.half is None

    play(scenario)


def test_a_cancelled_start_is_kept_so_that_destroy_finds_it(
    play: Callable[..., None], box: Sandbox, failed: type[Any]
) -> None:
    box.seconds = 1.0

    async def scenario(provider: Provider) -> None:
        provider.kind = MACHINE
        call = asyncio.ensure_future(provider.create(INPUTS))
        await asyncio.sleep(0.3)
        await provider.call("Cancel", Empty())
        with pytest.raises(failed) as caught:
            await call
        assert caught.value.half.id == "demo/host-1"
        assert "the next `cairn up` goes on" in caught.value.text

    play(scenario)
