"""The life of a role over gRPC with real runs of Ansible on this computer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty

from cairn.provider.wire import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Provider


def test_check_adds_the_digest_of_the_roles_own_files(
    play: Callable[..., None], inputs: dict[str, Any], house: Path
) -> None:
    async def scenario(provider: Provider) -> None:
        first, _ = await provider.check(inputs)
        again, _ = await provider.check(inputs)
        (house / "roles" / "tiny" / "tasks" / "main.yml").write_text("[]\n")
        changed, _ = await provider.check(inputs)
        assert first["digest"] == again["digest"]
        assert first["digest"] != changed["digest"]

    play(scenario)


@pytest.mark.parametrize(
    ("wrong", "place", "words"),
    [
        ({"role": "nope"}, "role", "there is no role `nope`"),
        ({"host": "../x"}, "host", "is no name"),
        ({"host": None}, "host", "`host` is missing"),
        ({"files": {"/a/../b": {"content": ""}}}, 'files["/a/../b"]', "absolute path"),
        ({"files": {"/a": {"mode": "0644"}}}, 'files["/a"]', "a file has content"),
        ({"files": {"/a": {"content": "", "mode": "rw"}}}, 'files["/a"]', "octal"),
        ({"files": []}, "files", "type object"),
        ({"colour": "red"}, "colour", "is not an input"),
        ({"connection": {"address": "a", "user": "u"}}, "connection.host_key", "is missing"),
        (
            {"connection": {"local": True, "become_password": "hunter2"}},
            "connection.become_password",
            "`env:NAME` or `file:/path`",
        ),
    ],
)
def test_check_names_what_is_wrong_and_where(
    play: Callable[..., None],
    inputs: dict[str, Any],
    wrong: dict[str, Any],
    place: str,
    words: str,
) -> None:
    async def scenario(provider: Provider) -> None:
        _, failures = await provider.check({**inputs, **wrong})
        assert [where for where, _ in failures] == [place]
        assert words in failures[0][1]
        assert "hunter2" not in failures[0][1]

    play(scenario)


def test_a_preview_shows_each_diff_and_touches_nothing(
    play: Callable[..., None], inputs: dict[str, Any], house: Path
) -> None:
    async def scenario(provider: Provider) -> None:
        await provider.create(inputs, preview=True)
        assert provider.engine.lines == [
            f"--- /dev/null\n+++ {house}/target/a.conf\n@@ -0,0 +1,2 @@\n+one\n+two"
        ]

    play(scenario)
    assert list((house / "target").iterdir()) == []
    assert not (house / ".cairn" / "runs").exists()


def test_a_role_lives_from_create_over_drift_to_delete(
    play: Callable[..., None], inputs: dict[str, Any], house: Path
) -> None:
    target = house / "target"
    other = {"content": "other\n", "mode": "0644"}

    async def scenario(provider: Provider) -> None:
        identity, outputs = await provider.create(inputs)
        assert identity == "demo/host-1/tiny"
        assert (outputs["changed"], outputs["drift"]) == (1, [])
        assert "Put the rendered files in place" in provider.engine.statuses

        (target / "a.conf").write_text("edited by hand\n")
        _, drifted = await provider.read(inputs, outputs)
        (drift,) = drifted["drift"]
        assert drift["what"] == f"{target}/a.conf"
        assert drift["diff"].splitlines()[1] == "-edited by hand"
        difference = await provider.diff(inputs, inputs, drifted)
        assert list(difference.detailedDiff) == ["drift"]

        new = {**inputs, "files": {f"{target}/b.conf": other}}
        outputs = await provider.update(inputs, drifted, new)
        assert outputs["drift"] == []
        assert [path.name for path in target.iterdir()] == ["b.conf"]

        await provider.delete(new, outputs)
        assert list(target.iterdir()) == []

    play(scenario)


def test_a_failure_part_way_keeps_what_was_done_and_the_next_run_cleans_it(
    play: Callable[..., None], inputs: dict[str, Any], house: Path, failed: type[Any]
) -> None:
    target = house / "target"

    async def scenario(provider: Provider) -> None:
        bad = {**inputs, "variables": {"tiny_complaint": "moon"}}
        with pytest.raises(failed) as caught:
            await provider.create(bad)
        assert caught.value.code is grpc.StatusCode.ABORTED
        assert "role tiny: `Fail when told` failed" in caught.value.text
        assert list(caught.value.half.reasons) == [caught.value.text]
        outputs = caught.value.outputs
        assert list(outputs["files"]) == [f"{target}/a.conf"]

        # The retry no longer wants the file that the failed run has put there.
        good = {**inputs, "files": {}}
        outputs = await provider.update({**bad, "files": {}}, outputs, good)
        assert outputs["files"] == {}
        assert list(target.iterdir()) == []

    play(scenario)


def test_a_host_that_does_not_answer_is_no_half_made_role_and_is_not_gone(
    play: Callable[..., None], inputs: dict[str, Any], failed: type[Any]
) -> None:
    # Nothing listens on the discard port of the loopback address.
    way = {"address": "127.0.0.1", "port": 9, "user": "cairn", "host_key": "ssh-ed25519 AAAA"}

    async def scenario(provider: Provider) -> None:
        away = {**inputs, "connection": way}
        for call in (provider.create(away), provider.read(away, {}), provider.delete(away, {})):
            with pytest.raises(failed) as caught:
                await call
            assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION
            assert "the host does not answer at 127.0.0.1:9" in caught.value.text
            assert caught.value.half is None

    play(scenario)


def test_cancelling_stops_ansible_within_seconds_and_keeps_the_state(
    play: Callable[..., None], inputs: dict[str, Any], failed: type[Any]
) -> None:
    async def scenario(provider: Provider) -> None:
        waiting = {**inputs, "variables": {"tiny_waits": True}}
        call = asyncio.ensure_future(provider.create(waiting))
        await provider.engine.shows("Wait when told")
        await provider.call("Cancel", Empty())
        async with asyncio.timeout(6):
            with pytest.raises(failed) as caught:
                await call
        assert "cancelled part-way" in caught.value.text
        assert caught.value.half.id == "demo/host-1/tiny"

    play(scenario)


def test_a_secret_reaches_the_host_and_nothing_else(
    play: Callable[..., None], inputs: dict[str, Any], house: Path, failed: type[Any]
) -> None:
    target = house / "target"

    async def scenario(provider: Provider) -> None:
        files = {f"{target}/key": {"content": Secret("plugh-9\n"), "mode": "0600"}}
        secret = {"tiny_complaint": Secret("xyzzy-7")}
        await provider.create({**inputs, "files": files}, preview=True)
        with pytest.raises(failed) as caught:
            await provider.create({**inputs, "files": files, "variables": secret})
        said = [caught.value.text, repr(caught.value.outputs), repr(provider.engine.told)]
        said += [log.read_text() for log in (house / ".cairn" / "runs").rglob("*.log")]
        for text in said:
            assert "plugh-9" not in text
            assert "xyzzy-7" not in text

    play(scenario)
    assert (target / "key").read_text() == "plugh-9\n"


def test_a_role_without_a_removal_says_so(
    play: Callable[..., None], inputs: dict[str, Any], house: Path, failed: type[Any]
) -> None:
    (house / "roles" / "tiny" / "tasks" / "remove.yml").unlink()

    async def scenario(provider: Provider) -> None:
        with pytest.raises(failed) as caught:
            await provider.delete(inputs, {})
        assert "remove.yml is missing" in caught.value.text

    play(scenario)


def test_a_role_cannot_be_imported(play: Callable[..., None], failed: type[Any]) -> None:
    async def scenario(provider: Provider) -> None:
        with pytest.raises(failed) as caught:
            await provider.read({}, {})
        assert "cannot be imported" in caught.value.text

    play(scenario)
