"""The S3 storage on a real host: its users, its secrets, what it refuses, what survives."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cairn import sandbox
from cairn.ansible.job import Connection
from cairn.artefacts.lock import locked
from cairn.plan.roles import certificate, storage
from cairn.provider import bucket_state, s3
from roles.harness import ground

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cairn.plan.model import PlannedRole
    from roles.harness import Ground

NODE = "role-storage"
DATA = "/srv/imaging"
PROGRAM = locked("versitygw").path
UNIT = "cairn-s3.service"
WISHES: dict[str, Any] = {
    "storage": {
        "path": DATA,
        "size": "1 GiB",
        "buckets": [{"name": "models"}],
        "consumers": [
            {"name": "team", "reads": ["models"], "comes_from": "198.51.100.0/24"},
            {"name": "curator", "writes": ["models"]},
        ],
    }
}
BUCKET = {"name": "models", "versioning": True, "readers": ["team"], "writers": ["curator"]}


@contextlib.contextmanager
def standing(host: str, release: str, folder: Path) -> Iterator[Ground]:
    """Give a host with the node's certificate and the storage."""
    try:
        here = ground(NODE, host, release, folder)
        here.ask("apt-get update --quiet")
        apply(here, certificate.plan(here.context(**WISHES)))
        apply(here, planned(here))
        yield here
    finally:
        sandbox.remove(NODE, host)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Yield a host of the newer release."""
    with standing("d13", "debian-13", tmp_path_factory.mktemp("d13")) as here:
        yield here


def planned(box: Ground) -> PlannedRole:
    """Return the planned storage."""
    return storage.plan(box.context(**WISHES))


def apply(box: Ground, role: PlannedRole, **how: object) -> list[str]:
    """Apply a role and return the names of the tasks that changed something."""
    outcome = box.apply(role, **how)
    assert outcome.failure is None, outcome.failure
    return [change.task for change in outcome.changes]


def as_administrator(box: Ground, act: Callable[[Any], Any]) -> Any:  # noqa: ANN401
    """Do something as the administrator of the storage, the way that the provider has."""

    async def scenario() -> Any:  # noqa: ANN401
        async with s3.s3_of_host(box.host, Connection(**box.running.connection)) as client:
            return await asyncio.to_thread(act, client)

    return asyncio.run(scenario())


def with_bucket(client: Any) -> None:  # noqa: ANN401 - boto3 has no types
    """Make the bucket as it is declared, and put one object into it."""
    wanted = bucket_state.settings_of(BUCKET)
    with contextlib.suppress(ClientError):
        bucket_state.make(client, "models", wanted)
    found = bucket_state.look(client, "models")
    assert found is not None
    bucket_state.change(client, "models", found, wanted)
    client.put_object(Bucket="models", Key="study/image", Body=b"pixels")


def states(box: Ground) -> dict[str, str]:
    """Return mode and owner of each secret of the plan, by path."""
    paths = " ".join(secret.path for secret in planned(box).secrets)
    lines = box.ask(f"stat --format '%n %04a %U' {paths}").splitlines()
    return {path: state for path, _, state in (line.partition(" ") for line in lines)}


def exposure(box: Ground) -> float:
    """Return how exposed systemd says that the server is."""
    said = box.ask(f"systemd-analyze security --no-pager {UNIT} | grep Overall")
    return float(said.split(": ")[1].split()[0])


@pytest.mark.sandbox
def test_a_second_look_finds_nothing_to_change(box: Ground) -> None:
    assert apply(box, planned(box), check=True) == []
    assert apply(box, planned(box)) == []


@pytest.mark.long
@pytest.mark.sandbox
def test_the_older_release_stores_and_is_shut_in_as_well(tmp_path: Path) -> None:
    with standing("d12", "debian-12", tmp_path) as older:
        assert apply(older, planned(older), check=True) == []
        as_administrator(older, with_bucket)
        assert exposure(older) <= 3.0


@pytest.mark.sandbox
def test_each_secret_is_there_for_its_one_reader(box: Ground) -> None:
    wanted = {secret.path: f"{secret.mode} {secret.owner}" for secret in planned(box).secrets}
    assert states(box) == wanted
    mine = "/etc/cairn/storage/consumers/curator.credentials"
    assert box.ask(f"runuser -u cairn-curator -- wc -l {mine}").startswith("3 ")
    for path in set(wanted) - {mine}:
        assert box.ssh(f"sudo runuser -u cairn-curator -- cat {path}").returncode != 0, path


@pytest.mark.sandbox
def test_only_what_is_planned_listens_and_the_service_is_shut_in(box: Ground) -> None:
    sockets = box.ask("ss -Hlntp | grep versitygw | awk '{print $4}'").split()
    assert sorted(sockets) == ["*:7070", "127.0.0.1:7071"]
    assert exposure(box) <= 3.0


@pytest.mark.sandbox
def test_data_and_policies_outlive_the_role(box: Ground) -> None:
    as_administrator(box, with_bucket)
    before = as_administrator(box, lambda client: bucket_state.look(client, "models"))
    old = box.ask("cat /etc/cairn/storage/root.env")
    apply(box, planned(box), tasks_from="remove", obsolete=(PROGRAM,))
    gone = f"ls {PROGRAM} /etc/cairn/storage /etc/systemd/system/{UNIT} /var/lib/cairn-s3"
    assert box.ssh(f"sudo {gone}").stdout == ""
    assert apply(box, planned(box), tasks_from="remove", obsolete=(PROGRAM,)) == []
    # On a host that is made anew the account may have another number.
    box.ask(f"chown -R 4242:4242 {DATA}/buckets {DATA}/versions")
    assert "Give the data to the S3 server" in apply(box, planned(box))
    assert box.ask("cat /etc/cairn/storage/root.env") != old
    found = as_administrator(box, lambda client: bucket_state.look(client, "models"))
    kept = as_administrator(
        box, lambda client: client.get_object(Bucket="models", Key="study/image")["Body"].read()
    )
    assert (found, kept) == (before, b"pixels")


@pytest.mark.sandbox
def test_harm_done_by_hand_is_found_and_mended(box: Ground) -> None:
    credential = "/etc/cairn/storage/consumers/curator.credentials"
    box.ask(
        f"chmod 0644 {credential}; systemctl stop {UNIT}; chmod 0755 {DATA}/buckets;"
        f"cp {PROGRAM} /root/p; echo >>/root/p; mv /root/p {PROGRAM}"
    )
    found = apply(box, planned(box), check=True)
    assert found == [
        "Make the folders of the volume",
        "Make the credentials on the host",
        "Run the S3 server with the bytes of the plan and no others",
        "Start what must run, now and at every boot",
    ]
    apply(box, planned(box))
    assert states(box)[credential] == "0400 cairn-curator"


@pytest.mark.sandbox
def test_a_consumer_that_leaves_the_spec_loses_its_credential(box: Ground) -> None:
    fewer = {"storage": {**WISHES["storage"], "consumers": WISHES["storage"]["consumers"][1:]}}
    try:
        apply(box, storage.plan(box.context(**fewer)))
        assert box.ask("ls /etc/cairn/storage/consumers") == "curator.credentials"
        assert "team" not in box.ask("cat /var/lib/cairn-s3/users/users.json")
        assert "*:7070" not in box.ask("ss -Hlnt")
    finally:
        apply(box, planned(box))


@pytest.mark.sandbox
def test_each_request_stands_in_the_log_which_is_rotated(box: Ground) -> None:
    as_administrator(box, with_bucket)
    assert "study/image" in box.ask("cat /var/log/cairn-s3/access.log")
    box.ask("logrotate --force /etc/logrotate.d/cairn-s3")
    as_administrator(box, with_bucket)
    assert "study/image" in box.ask("cat /var/log/cairn-s3/access.log")
    assert len(box.ask("ls /var/log/cairn-s3/access.log-*").split()) == 1
    assert "rotate 400" in box.ask("cat /etc/logrotate.d/cairn-s3")


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("harm", "wishes", "words"),
    [
        pytest.param("", {"size": "900 TiB"}, "and the spec declares 921600.0", id="too small"),
        pytest.param(
            "",
            {"encryption": {"method": "luks2", "key_from": "tpm2"}},
            "lies on no encrypted disk",
            id="not encrypted",
        ),
        pytest.param(
            "ln -sfn /tmp /srv/link", {"path": "/srv/link"}, "is a symbolic link", id="a link"
        ),
        pytest.param(
            "", {"path": "/proc/data"}, "keeps no extended attributes", id="no attributes"
        ),
        pytest.param(
            "mkdir -p /srv/theirs/buckets/x",
            {"path": "/srv/theirs"},
            "has files that Cairn did not put there",
            id="foreign data",
        ),
    ],
)
def test_a_volume_that_cannot_be_used_is_refused_before_any_change(
    box: Ground, harm: str, wishes: dict[str, Any], words: str
) -> None:
    box.ask(harm or "true")
    context = box.context(storage={**WISHES["storage"], **wishes})
    context = replace(context, place=replace(context.place, gateway=None))
    outcome = box.apply(storage.plan(context))
    assert words in str(outcome.failure)
    assert outcome.changes == ()


@pytest.mark.sandbox
def test_other_bytes_than_the_plan_names_are_refused(box: Ground) -> None:
    role = replace(planned(box), artefacts=())
    seen = {"name": "versitygw", "version": "1.8.0", "file": "versitygw", "sha256": 64 * "0"}
    outcome = box.apply(role, artefacts=({**seen, "path": PROGRAM},))
    assert "has other bytes than the plan names" in str(outcome.failure)
    assert outcome.changes == ()
