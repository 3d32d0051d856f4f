"""Buckets over gRPC against a real S3 server on the loopback, used by real clients."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cairn.provider import s3
from s3_server import ROOT, furnished, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Provider
    from s3_server import Server

USERS = {"team": "team-secret-of-a-test", "curator": "curator-secret-of-a-test"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Yield the S3 server of the lock, as the unit starts it."""
    with running(furnished(tmp_path_factory.mktemp("s3"), USERS)) as here:
        yield here


@pytest.fixture
def wanted(
    server: Server, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> dict[str, Any]:
    """The inputs of a bucket of this test's own, on a host that is this computer."""
    folder = server.folder
    monkeypatch.setattr(s3, "READ", f"cat {folder}/root.env && echo === && cat {folder}/node.crt")
    monkeypatch.setattr(s3, "RELAY", s3.RELAY.replace(str(s3.PORT), str(server.port)))
    return {
        "node": "demo",
        "host": "host-1",
        "name": f"b{abs(hash(request.node.name)) % 10**9}",
        "connection": {"local": True, "user": "root"},
        "versioning": True,
        "readers": ["team"],
        "writers": ["curator"],
    }


@pytest.fixture
def buckets(play: Callable[..., None]) -> Callable[..., None]:
    """Plays a scenario with a provider that is asked for buckets."""

    def played(scenario: Callable[[Provider], Any]) -> None:
        async def with_buckets(provider: Provider) -> None:
            provider.kind = "cairn:index:Bucket"
            await scenario(provider)

        play(with_buckets)

    return played


def refused(call: Callable[..., Any], **what: Any) -> str:  # noqa: ANN401
    """Return the code with which S3 refuses a call."""
    with pytest.raises(ClientError) as caught:
        call(**what)
    return str(caught.value.response["Error"]["Code"])


def test_each_consumer_may_do_what_was_granted_and_nothing_else(
    buckets: Callable[..., None], wanted: dict[str, Any], server: Server
) -> None:
    async def scenario(provider: Provider) -> None:
        identity, outputs = await provider.create(wanted)
        assert identity == f"demo/host-1/{wanted['name']}"
        assert outputs["changed"] == ["versioning", "policy"]
        _, again = await provider.create(wanted)
        assert again["changed"] == []

    buckets(scenario)
    bucket = {"Bucket": wanted["name"]}
    team, curator = (server.client(name, USERS[name]) for name in ("team", "curator"))
    curator.put_object(**bucket, Key="a/b", Body=b"one")
    assert team.get_object(**bucket, Key="a/b")["Body"].read() == b"one"
    assert [one["Key"] for one in team.list_objects_v2(**bucket)["Contents"]] == ["a/b"]
    assert refused(team.put_object, **bucket, Key="a/b") == "AccessDenied"
    assert team.get_object(**bucket, Key="a/b")["Body"].read() == b"one"
    assert refused(team.delete_object, **bucket, Key="a/b") == "AccessDenied"
    assert refused(team.put_bucket_policy, **bucket, Policy="{}") == "AccessDenied"
    assert refused(team.create_bucket, Bucket="another") == "AccessDenied"
    stranger = server.client("team", "a wrong secret")
    assert refused(stranger.get_object, **bucket, Key="a/b") == "SignatureDoesNotMatch"


def test_older_versions_are_kept(
    buckets: Callable[..., None], wanted: dict[str, Any], server: Server
) -> None:
    async def scenario(provider: Provider) -> None:
        await provider.create(wanted)

    buckets(scenario)
    bucket, curator = {"Bucket": wanted["name"]}, server.client("curator", USERS["curator"])
    first = curator.put_object(**bucket, Key="x", Body=b"1")["VersionId"]
    curator.put_object(**bucket, Key="x", Body=b"2")
    kept = server.root.get_object(**bucket, Key="x", VersionId=first)
    assert kept["Body"].read() == b"1"


def test_a_locked_object_is_not_deleted(
    buckets: Callable[..., None], wanted: dict[str, Any], server: Server
) -> None:
    async def scenario(provider: Provider) -> None:
        locking = {**wanted, "retention": {"mode": "compliance", "days": 2}}
        _, outputs = await provider.create(locking)
        _, seen = await provider.read(locking, outputs)
        assert seen["drift"] == []

    buckets(scenario)
    bucket = {"Bucket": wanted["name"]}
    version = server.root.put_object(**bucket, Key="x", Body=b"1")["VersionId"]
    said = refused(server.root.delete_object, **bucket, Key="x", VersionId=version)
    assert said == "AccessDenied"


def test_a_policy_that_was_changed_by_hand_is_found_and_mended(
    buckets: Callable[..., None], wanted: dict[str, Any], server: Server
) -> None:
    name = wanted["name"]
    grab = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:*"}
            | {"Resource": [f"arn:aws:s3:::{name}/*", f"arn:aws:s3:::{name}"]}
        ],
    }

    async def scenario(provider: Provider) -> None:
        _, outputs = await provider.create(wanted)
        server.root.put_bucket_policy(Bucket=name, Policy=json.dumps(grab))
        identity, drifted = await provider.read(wanted, outputs)
        mend = {"task": "Set the policy", "what": f"bucket {name}", "diff": ""}
        assert (identity, drifted["drift"]) == ("x", [mend])
        assert list((await provider.diff(wanted, wanted, drifted)).detailedDiff) == ["drift"]
        mended = await provider.update(wanted, drifted, wanted)
        assert mended["changed"] == ["policy"]
        _, seen = await provider.read(wanted, mended)
        assert seen["drift"] == []

    buckets(scenario)


def test_a_change_of_who_may_read_is_named_and_made(
    buckets: Callable[..., None], wanted: dict[str, Any], server: Server
) -> None:
    fewer = {**wanted, "readers": []}

    async def scenario(provider: Provider) -> None:
        _, outputs = await provider.create(wanted)
        difference = await provider.diff(wanted, fewer, outputs)
        assert list(difference.detailedDiff) == ["readers"]
        await provider.update(wanted, outputs, fewer, preview=True)
        team = server.client("team", USERS["team"])
        assert team.list_objects_v2(Bucket=wanted["name"])["KeyCount"] == 0
        await provider.update(wanted, outputs, fewer)
        assert refused(team.list_objects_v2, Bucket=wanted["name"]) == "AccessDenied"

    buckets(scenario)


def test_a_bucket_that_holds_data_is_kept_until_data_are_to_go(
    buckets: Callable[..., None],
    wanted: dict[str, Any],
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = wanted["name"]

    async def scenario(provider: Provider) -> None:
        _, outputs = await provider.create(wanted)
        server.root.put_object(Bucket=name, Key="x", Body=b"1")
        server.root.delete_object(Bucket=name, Key="x")
        await provider.delete(wanted, outputs)
        assert provider.engine.lines == [
            f"bucket {name} holds data and stays; --delete-data deletes it"
        ]
        server.root.head_bucket(Bucket=name)
        monkeypatch.setenv("CAIRN_DELETE_DATA", "demo")
        await provider.delete(wanted, outputs)
        assert refused(server.root.head_bucket, Bucket=name) == "404"
        await provider.delete(wanted, outputs)
        identity, _ = await provider.read(wanted, outputs)
        assert identity == ""

    buckets(scenario)


def test_a_preview_asks_nobody(
    buckets: Callable[..., None], wanted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "READ", "exit 7")

    async def scenario(provider: Provider) -> None:
        identity, outputs = await provider.create(wanted, preview=True)
        assert (identity, outputs["name"]) == ("", wanted["name"])

    buckets(scenario)


def test_a_host_without_the_server_is_no_half_made_bucket(
    buckets: Callable[..., None],
    wanted: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    failed: type[Any],
) -> None:
    monkeypatch.setattr(s3, "RELAY", "exit 1")

    async def scenario(provider: Provider) -> None:
        with pytest.raises(failed) as caught:
            await provider.create(wanted)
        assert caught.value.half is None
        assert "the S3 service does not answer" in caught.value.text

    buckets(scenario)


def test_no_secret_is_in_state_or_log(
    buckets: Callable[..., None], wanted: dict[str, Any], house: Path
) -> None:
    async def scenario(provider: Provider) -> None:
        _, outputs = await provider.create(wanted)
        assert ROOT not in json.dumps([outputs, provider.engine.told])

    buckets(scenario)
    logs = [path for path in house.rglob("*") if path.is_file()]
    assert all(ROOT.encode() not in path.read_bytes() for path in logs)
    assert ROOT not in os.environ.values()


def test_an_existing_service_is_asked_by_its_address_and_the_administrators_file(
    buckets: Callable[..., None],
    wanted: dict[str, Any],
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = f"[default]\naws_access_key_id = cairn-root\naws_secret_access_key = {ROOT}\n"
    (tmp_path / "credentials").write_text(keys)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(server.folder / "node.crt"))
    monkeypatch.setattr(s3, "READ", "exit 7")
    there = {
        **wanted,
        "endpoint": f"https://127.0.0.1:{server.port}",
        "credentials": f"file:{tmp_path}/credentials",
        "readers": [],
        "writers": [],
    }

    async def scenario(provider: Provider) -> None:
        _, outputs = await provider.create(there)
        assert outputs["changed"] == ["versioning"]

    buckets(scenario)
    server.root.head_bucket(Bucket=wanted["name"])
