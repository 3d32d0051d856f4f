"""The protocol: greetings, errors with sound states, cancelling, and who waits for whom."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto.plugin_pb2 import PluginAttach

from cairn.ansible.outcome import Outcome
from cairn.provider import role_apply
from cairn.provider.wire import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from cairn.ansible.job import RoleRun
    from conftest import Provider


class Ansible:
    """Stands in for Ansible: each run takes a moment, and who ran beside whom is noted."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now, self.most = seconds, 0, 0
        self.hosts: set[str] = set()
        self.met_itself = False

    async def __call__(self, run: RoleRun, _: Any) -> Outcome:  # noqa: ANN401 - a callback
        self.met_itself |= run.host in self.hosts
        self.hosts.add(run.host)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.now -= 1
            self.hosts.discard(run.host)
        return Outcome((), None, begun=True, log=run.log)


@pytest.fixture
def ansible(monkeypatch: pytest.MonkeyPatch) -> Ansible:
    stand_in = Ansible(0.1)
    monkeypatch.setattr(role_apply, "run_role", stand_in)
    return stand_in


def _on(inputs: dict[str, Any], number: int) -> dict[str, Any]:
    way = {"local": False, "address": f"10.0.0.{number}", "user": "cairn", "host_key": "ssh A"}
    return {**inputs, "host": f"host-{number}", "connection": way}


def test_the_handshake_and_configure_say_the_same(play: Callable[..., None]) -> None:
    async def scenario(provider: Provider) -> None:
        met = await provider.call(
            "Handshake", pb.ProviderHandshakeRequest(engine_address="127.0.0.1:1")
        )
        configured = await provider.call("Configure", pb.ConfigureRequest())
        assert met.accept_secrets
        assert configured.acceptSecrets
        assert configured.supportsPreview

    play(scenario)


def test_the_schema_names_every_resource_with_its_inputs(play: Callable[..., None]) -> None:
    async def scenario(provider: Provider) -> None:
        schema = json.loads((await provider.call("GetSchema", pb.GetSchemaRequest())).schema)
        assert set(schema["resources"]) == {
            "cairn:index:Bucket",
            "cairn:index:Machine",
            "cairn:index:Role",
            "cairn:index:Verification",
        }
        assert "connection" in schema["resources"]["cairn:index:Role"]["requiredInputs"]

    play(scenario)


def test_an_engine_can_attach_and_ask_for_the_version(play: Callable[..., None]) -> None:
    async def scenario(provider: Provider) -> None:
        await provider.call("Attach", PluginAttach(address="127.0.0.1:1"))
        assert (await provider.call("GetPluginInfo", Empty())).version == "0.1.0"

    play(scenario)


def test_an_unknown_resource_is_refused_with_what_there_is(
    play: Callable[..., None], failed: type[Any]
) -> None:
    async def scenario(provider: Provider) -> None:
        provider.kind = "cairn:index:Bouquet"
        with pytest.raises(failed) as caught:
            await provider.check({})
        assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
        assert "cairn:index:Role" in caught.value.text

    play(scenario)


def test_an_asset_is_refused_as_an_argument(play: Callable[..., None], failed: type[Any]) -> None:
    async def scenario(provider: Provider) -> None:
        signature = {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17"}
        with pytest.raises(failed) as caught:
            await provider.check({"files": signature})
        assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT

    play(scenario)


def test_24_hosts_are_worked_on_side_by_side_within_the_bound(
    play: Callable[..., None], inputs: dict[str, Any], ansible: Ansible
) -> None:
    async def scenario(provider: Provider) -> None:
        await asyncio.gather(*(provider.create(_on(inputs, n), f"r{n}") for n in range(24)))

    play(scenario, parallel=6)
    assert ansible.most == 6


def test_24_hosts_run_all_at_once_where_the_setting_allows_it(
    play: Callable[..., None], inputs: dict[str, Any], ansible: Ansible
) -> None:
    async def scenario(provider: Provider) -> None:
        await asyncio.gather(*(provider.create(_on(inputs, n), f"r{n}") for n in range(24)))

    ansible.seconds = 1.0
    play(scenario, parallel=24)
    assert ansible.most == 24


def test_roles_on_one_host_wait_for_each_other_and_take_no_place_meanwhile(
    play: Callable[..., None], inputs: dict[str, Any], ansible: Ansible
) -> None:
    async def scenario(provider: Provider) -> None:
        same = [provider.create(_on(inputs, 1), f"r{n}") for n in range(5)]
        other = provider.create(_on(inputs, 2), "other")
        await asyncio.gather(*same, other)

    play(scenario, parallel=2)
    assert not ansible.met_itself
    assert ansible.most == 2


def test_a_role_that_takes_longer_than_its_timeout_is_kept_as_half_made(
    play: Callable[..., None], inputs: dict[str, Any], ansible: Ansible, failed: type[Any]
) -> None:
    async def scenario(provider: Provider) -> None:
        with pytest.raises(failed) as caught:
            await provider.create(inputs, timeout=0.2)
        assert "longer than the 0.2 s" in caught.value.text
        assert caught.value.half.id == "demo/host-1/tiny"

    ansible.seconds = 30
    play(scenario)


def test_waiting_for_ones_turn_does_not_use_up_the_timeout(
    play: Callable[..., None], inputs: dict[str, Any], ansible: Ansible
) -> None:
    async def scenario(provider: Provider) -> None:
        await asyncio.gather(*(provider.create(inputs, f"r{n}", timeout=1.0) for n in range(3)))

    ansible.seconds = 0.6
    play(scenario)
    assert ansible.most == 1


def test_cancelling_ends_what_runs_as_half_made_and_what_waits_as_not_begun(
    play: Callable[..., None], inputs: dict[str, Any], ansible: Ansible, failed: type[Any]
) -> None:
    async def scenario(provider: Provider) -> None:
        calls = [asyncio.ensure_future(provider.create(inputs, f"r{n}")) for n in range(2)]
        await asyncio.sleep(0.3)
        await provider.call("Cancel", Empty())
        ends = await asyncio.gather(*calls, return_exceptions=True)
        codes = sorted(end.code.name for end in ends if isinstance(end, failed))
        assert codes == ["ABORTED", "CANCELLED"]
        (half,) = [end.half for end in ends if end.half]
        assert half.reasons == [
            "host-1: role tiny: was cancelled part-way; the next `cairn up` goes on"
        ]

    ansible.seconds = 30
    play(scenario)


def test_a_preview_with_unknown_inputs_passes_check_diff_and_create(
    play: Callable[..., None], inputs: dict[str, Any], ansible: Ansible
) -> None:
    async def scenario(provider: Provider) -> None:
        checked, failures = await provider.check({**inputs, "connection": UNKNOWN})
        assert failures == []
        difference = await provider.diff(inputs, checked)
        assert "connection" in difference.detailedDiff
        identity, outputs = await provider.create(checked, preview=True)
        assert identity == ""
        assert outputs["applied"] is UNKNOWN

    play(scenario)
    assert ansible.most == 0


def test_the_diff_message_names_tops_paths_and_replacements(
    play: Callable[..., None], inputs: dict[str, Any]
) -> None:
    async def scenario(provider: Provider) -> None:
        same = await provider.diff(inputs, inputs)
        assert same.changes == pb.DiffResponse.DIFF_NONE
        other = await provider.diff(inputs, {**inputs, "host": "h2", "variables": {"tiny_a": 1}})
        assert other.changes == pb.DiffResponse.DIFF_SOME
        assert sorted(other.diffs) == ["host", "variables"]
        assert list(other.replaces) == ["host"]
        assert other.deleteBeforeReplace
        assert other.detailedDiff["variables.tiny_a"].kind == pb.PropertyDiff.ADD

    play(scenario)
