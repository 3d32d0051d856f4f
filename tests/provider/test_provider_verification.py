"""The proof of a node as a resource, with a stand-in for `cairn verify`."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.empty_pb2 import Empty

from cairn.provider import verification
from cairn.provider.wire import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Provider

INPUTS = {"node": "demo", "triggers": ["sha256:1"]}
PROVEN = {"findings": [], "counts": {"pass": 12}, "blocking": 0}
BROKEN = {
    "findings": [
        {
            "target": "host-1",
            "check": "SSH-002",
            "title": "SSH accepts keys only",
            "verdict": "fail",
            "message": "sshd reports PasswordAuthentication yes",
        },
        {"target": "host-1", "check": "X", "title": "t", "verdict": "pass", "message": ""},
    ],
    "counts": {"pass": 1, "fail": 1},
    "blocking": 1,
}


@pytest.fixture
def answers(house: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Returns a function that makes `cairn verify` answer and end as told."""
    program = house / "cairn"
    monkeypatch.setattr(verification, "PROGRAM", str(program))

    def made(answer: object, status: int = 0, then: str = "") -> None:
        text = answer if isinstance(answer, str) else json.dumps(answer)
        lines = ["#!/bin/sh", f'echo "$@" > {house}/asked', f"env > {house}/env", then]
        lines += [f"cat <<'END'\n{text}\nEND", f"exit {status}"]
        program.write_text("\n".join(lines))
        program.chmod(0o755)

    return made


def test_a_proven_node_tells_how_many_expectations_are_met(
    play: Callable[..., None], answers: Callable[..., None], house: Path
) -> None:
    answers(PROVEN)

    async def scenario(provider: Provider) -> None:
        provider.kind = "cairn:index:Verification"
        assert await provider.create(INPUTS) == ("demo", {"passed": 12})

    play(scenario)
    assert (house / "asked").read_text() == "verify demo --format json\n"


def test_open_findings_fail_the_update_and_are_asked_again_by_the_next(
    play: Callable[..., None], answers: Callable[..., None], failed: type[Any]
) -> None:
    answers(BROKEN, status=5)

    async def scenario(provider: Provider) -> None:
        provider.kind = "cairn:index:Verification"
        with pytest.raises(failed) as caught:
            await provider.create(INPUTS)
        assert caught.value.text.splitlines() == [
            "demo is not as planned in 1 points; `cairn verify demo` has all",
            "host-1: SSH-002 SSH accepts keys only: fail: sshd reports PasswordAuthentication yes",
        ]
        assert caught.value.half.id == "demo"

    play(scenario)


@pytest.mark.parametrize(("answer", "status"), [("no JSON", 0), (PROVEN, 1), ("", 2)])
def test_an_answer_that_is_none_is_never_a_pass(
    play: Callable[..., None],
    answers: Callable[..., None],
    failed: type[Any],
    answer: object,
    status: int,
) -> None:
    answers(answer, status)

    async def scenario(provider: Provider) -> None:
        provider.kind = "cairn:index:Verification"
        with pytest.raises(failed, match="could not ask the hosts"):
            await provider.create(INPUTS)

    play(scenario)


def test_a_preview_asks_nobody(play: Callable[..., None], answers: Callable[..., None]) -> None:
    answers("", status=1)

    async def scenario(provider: Provider) -> None:
        provider.kind = "cairn:index:Verification"
        _, outputs = await provider.create({**INPUTS, "triggers": [UNKNOWN]}, preview=True)
        assert outputs["passed"] is UNKNOWN

    play(scenario)


def test_another_trigger_is_a_reason_to_ask_again(play: Callable[..., None]) -> None:
    async def scenario(provider: Provider) -> None:
        provider.kind = "cairn:index:Verification"
        same = await provider.diff(INPUTS, INPUTS)
        other = await provider.diff(INPUTS, {**INPUTS, "triggers": ["sha256:2"]})
        assert list(same.detailedDiff) == []
        assert list(other.detailedDiff) == ["triggers"]

    play(scenario)


def test_the_checks_inherit_no_passphrase(
    play: Callable[..., None],
    answers: Callable[..., None],
    house: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "plugh")
    answers(PROVEN)

    async def scenario(provider: Provider) -> None:
        provider.kind = "cairn:index:Verification"
        await provider.create(INPUTS)

    play(scenario)
    assert "PULUMI_CONFIG_PASSPHRASE" not in (house / "env").read_text()


def test_cancelling_ends_the_checks(
    play: Callable[..., None], answers: Callable[..., None], failed: type[Any]
) -> None:
    answers(PROVEN, then="sleep 300")

    async def scenario(provider: Provider) -> None:
        provider.kind = "cairn:index:Verification"
        call = asyncio.ensure_future(provider.create(INPUTS))
        await provider.engine.shows("asking the hosts")
        await asyncio.sleep(0.3)
        await provider.call("Cancel", Empty())
        async with asyncio.timeout(6):
            with pytest.raises(failed, match="CANCELLED"):
                await call

    play(scenario)
