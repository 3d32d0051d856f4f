"""A fake engine that talks gRPC with the provider, and a house with one tiny role."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2_grpc, status_pb2
from pulumi.runtime.proto import provider_pb2 as pb

from cairn.provider import wire
from cairn.provider.main import handlers
from cairn.provider.servicer import Servicer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

ROLE = "cairn:index:Role"
TASKS = """\
- name: Put the rendered files in place
  ansible.builtin.copy:
    src: "{{ cairn_rendered }}{{ item.path }}"
    dest: "{{ item.path }}"
    mode: "{{ item.mode }}"
  loop: "{{ cairn_files }}"

- name: Remove what is no longer planned
  ansible.builtin.file:
    path: "{{ item }}"
    state: absent
  loop: "{{ cairn_obsolete }}"

- name: Fail when told
  ansible.builtin.command: sh -c 'echo {{ tiny_complaint }} >&2; exit 3'
  changed_when: false
  when: tiny_complaint is defined

- name: Wait when told
  ansible.builtin.command: sleep 987654
  changed_when: false
  when: tiny_waits is defined
"""
REMOVE = """\
- name: Remove the files
  ansible.builtin.file:
    path: "{{ item }}"
    state: absent
  loop: "{{ cairn_obsolete }}"
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of its own with the role `tiny`; `target` stands for the host's disk."""
    tasks = tmp_path / "roles" / "tiny" / "tasks"
    tasks.mkdir(parents=True)
    (tasks / "main.yml").write_text(TASKS)
    (tasks / "remove.yml").write_text(REMOVE)
    (tmp_path / "target").mkdir()
    monkeypatch.setenv("CAIRN_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def inputs(house: Path) -> dict[str, Any]:
    """The inputs of `tiny` on this computer, with one file."""
    return {
        "node": "demo",
        "host": "host-1",
        "role": "tiny",
        "connection": {"local": True, "user": "root"},
        "variables": {},
        "files": {f"{house}/target/a.conf": {"content": "one\ntwo\n", "mode": "0644"}},
    }


@dataclass
class Engine(engine_pb2_grpc.EngineServicer):
    """Keeps what the provider logs: (urn, text, whether it vanishes)."""

    told: list[tuple[str, str, bool]] = field(default_factory=list)
    heard: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def Log(self, request: Any, _: Any) -> Any:  # noqa: N802, ANN401 - the protocol's name
        async with self.heard:
            self.told.append((request.urn, request.message, request.ephemeral))
            self.heard.notify_all()
        return Empty()

    async def shows(self, status: str) -> None:
        """Wait until a text stands in the status column."""
        async with self.heard:
            await self.heard.wait_for(lambda: status in self.statuses)

    @property
    def lines(self) -> list[str]:
        """What stays on the screen."""
        return [text for _, text, ephemeral in self.told if not ephemeral]

    @property
    def statuses(self) -> list[str]:
        """What stood in the status column."""
        return [text for _, text, ephemeral in self.told if ephemeral]


class Failed(Exception):
    """A call that the provider ended: its status code, its text and what it says is half made."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self.code, self.text = error.code(), error.details()
        self.half: pb.ErrorResourceInitFailed | None = None
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                status = status_pb2.Status.FromString(value)
                assert status.code == error.code().value[0]
                self.half = pb.ErrorResourceInitFailed()
                status.details[0].Unpack(self.half)
        super().__init__(f"{self.code}: {self.text}")

    @property
    def outputs(self) -> dict[str, Any]:
        """What the state is to hold of a half-made resource."""
        assert self.half is not None
        return wire.load(self.half.properties)


@dataclass
class Provider:
    """The provider as the engine sees it, with plain values instead of messages."""

    stub: provider_pb2_grpc.ResourceProviderStub
    engine: Engine
    port: int = 0
    kind: str = ROLE

    def urn(self, name: str) -> str:
        """Return Pulumi's name of a resource of the kind at hand."""
        return f"urn:pulumi:demo::cairn-nodes::cairn:node:Host${self.kind}::{name}"

    async def call(self, method: str, request: Any) -> Any:  # noqa: ANN401 - any message
        """Call the provider; an error becomes `Failed`."""
        try:
            return await getattr(self.stub, method)(request)
        except grpc.aio.AioRpcError as error:
            raise Failed(error) from None

    async def check(self, news: Mapping[str, Any], name: str = "r") -> tuple[dict[str, Any], Any]:
        """Return the checked inputs and (property, reason) of each failure."""
        answer = await self.call("Check", pb.CheckRequest(urn=self.urn(name), news=wire.dump(news)))
        return wire.load(answer.inputs), [(f.property, f.reason) for f in answer.failures]

    async def diff(
        self,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        outputs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - the message itself
        """Return the answer to Diff."""
        request = pb.DiffRequest(
            urn=self.urn("r"),
            old_inputs=wire.dump(old),
            olds=wire.dump(outputs or {}),
            news=wire.dump(new),
        )
        return await self.call("Diff", request)

    async def create(
        self,
        inputs: Mapping[str, Any],
        name: str = "r",
        **more: Any,  # noqa: ANN401
    ) -> tuple[str, dict[str, Any]]:
        """Return id and outputs."""
        request = pb.CreateRequest(urn=self.urn(name), properties=wire.dump(inputs), **more)
        answer = await self.call("Create", request)
        return answer.id, wire.load(answer.properties)

    async def update(
        self,
        old: Mapping[str, Any],
        outputs: Mapping[str, Any],
        new: Mapping[str, Any],
        **more: Any,  # noqa: ANN401 - fields of the message
    ) -> dict[str, Any]:
        """Return the outputs."""
        request = pb.UpdateRequest(
            urn=self.urn("r"),
            id="x",
            old_inputs=wire.dump(old),
            olds=wire.dump(outputs),
            news=wire.dump(new),
            **more,
        )
        return wire.load((await self.call("Update", request)).properties)

    async def read(
        self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """Return id and outputs; an empty id says that the resource is gone."""
        request = pb.ReadRequest(
            urn=self.urn("r"), id="x", inputs=wire.dump(inputs), properties=wire.dump(outputs)
        )
        answer = await self.call("Read", request)
        return answer.id, wire.load(answer.properties)

    async def delete(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
        """Delete a resource."""
        request = pb.DeleteRequest(
            urn=self.urn("r"), id="x", old_inputs=wire.dump(inputs), properties=wire.dump(outputs)
        )
        await self.call("Delete", request)


@pytest.fixture
def play(house: Path) -> Callable[..., None]:
    """Returns a function that runs a scenario against a provider that serves in this process."""

    def played(scenario: Callable[[Provider], Awaitable[None]], parallel: int = 8) -> None:
        asyncio.run(_play(scenario, parallel))

    return played


async def _play(scenario: Callable[[Provider], Awaitable[None]], parallel: int) -> None:
    engine, engine_server, server = Engine(), grpc.aio.server(), grpc.aio.server()
    engine_pb2_grpc.add_EngineServicer_to_server(engine, engine_server)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(handlers(), parallel), server)
    engine_port = engine_server.add_insecure_port("127.0.0.1:0")
    port = server.add_insecure_port("127.0.0.1:0")
    await engine_server.start()
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            address = f"127.0.0.1:{engine_port}"
            await stub.Handshake(pb.ProviderHandshakeRequest(engine_address=address))
            await scenario(Provider(stub, engine, port))
    finally:
        await server.stop(0)
        await engine_server.stop(0)


@pytest.fixture
def failed() -> type[Failed]:
    """The error that a call of `Provider` raises."""
    return Failed
