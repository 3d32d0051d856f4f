"""A host with Orthanc as archive, versitygw as storage, and the program that freezes data sets."""

from __future__ import annotations

import http.client
import json
import shlex
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from cairn.datasets import desk
from cairn.errors import ApplyFailed
from cairn.plan.roles import certificate, freeze, storage
from freeze.images import image
from roles.harness import ground

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.plan.context import Context
    from roles.harness import Ground

NODE = "freeze"
PASSWORD = "made-for-this-test-only"
#: One data set for each story, so that none depends on another.
DATASETS = ("whole", "growing", "killed", "raw", "forever", "damaged", "left-a", "left-b")
WISHES: dict[str, Any] = {
    "kind": "data-provider",
    "datasets": [{"name": name, "description": "Made for tests"} for name in DATASETS],
    "storage": {
        "path": "/srv/imaging",
        "size": "1 GiB",
        "consumers": [
            {"name": "freeze", "writes": list(DATASETS)},
            # The tests look from this computer, which sandbox hosts see on these networks.
            {"name": "tests", "reads": list(DATASETS), "comes_from": "198.18.0.0/15"},
        ],
    },
}
ORTHANC = {
    "Name": "ARCHIVE",
    "StorageDirectory": "/var/lib/orthanc/db-v6",
    "IndexDirectory": "/var/lib/orthanc/db-v6",
    "RemoteAccessAllowed": True,
    "AuthenticationEnabled": True,
    "RegisteredUsers": {"freeze": PASSWORD, "sender": PASSWORD},
    "LuaScripts": ["/etc/orthanc/who-may-what.lua"],
}
#: As the role `archive` says it: `freeze` may do what it must and nothing else.
FILTER = (
    "local may = {"
    + ", ".join(f'{{ "{method}", "{path}" }}' for method, path in freeze.MAY_IN_ARCHIVE)
    + """}
function IncomingHttpRequestFilter(method, uri, ip, username, httpHeaders)
  for _, rule in ipairs(may) do
    if method == rule[1] and string.match(uri, rule[2]) then return true end
  end
  return username == "sender"
end
"""
)
#: Twelve subjects, two series of each, three images a series.
SUBJECTS = tuple(f"SUBJ-{number:02}" for number in range(12))
JOB: dict[str, Any] = {
    "verb": "freeze",
    "dataset": "whole",
    "datasets": list(DATASETS),
    "node": NODE,
    "made_with": "cairn 0",
    "query": {"Modality": "CT", "BodyPartExamined": "CHEST"},
    "permit": {"id": "TEST-2026-1", "expires": "2027-06-30"},
    "deidentification": {"profile": "basic", "options": []},
    "least": 10,
}


def _silent(*_: object) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class House:
    """The host, and an administrator's client of its storage."""

    box: Ground
    context: Context
    s3: Any

    def do(self, **changes: object) -> dict[str, Any]:
        """Have a job done as the verb does it; it must not be refused."""
        return desk.do(self.context.document, {**JOB, **changes}, _silent)

    def refused(self, **changes: object) -> str:
        """Have a job done that must be refused, and return why."""
        try:
            done = self.do(**changes)
        except ApplyFailed as refusal:
            return str(refusal)
        raise AssertionError(f"this was done: {done}")

    def submit(self, **changes: object) -> str:
        """Hand in a job without waiting for it, and return its name."""
        job = shlex.quote(json.dumps({**JOB, **changes}))
        return self.box.ask(f"printf %s {job} | {desk.PROGRAM} submit")

    def send(self, *files: bytes) -> None:
        """Store images in the archive."""
        link = http.client.HTTPConnection(self.box.place.address, 8042, timeout=30)
        token = b64encode(f"sender:{PASSWORD}".encode()).decode()
        for file in files:
            link.request("POST", "/instances", file, {"Authorization": f"Basic {token}"})
            answer = link.getresponse()
            told = answer.read()
            assert answer.status == 200, told

    def manifest(self, dataset: str, version: int | None = None) -> dict[str, Any]:
        """Return a manifest as a consumer reads it."""
        key = f"manifests/v{version:04}.json" if version else "manifest.json"
        return dict(json.loads(self.s3.get_object(Bucket=dataset, Key=key)["Body"].read()))

    def kept(self, dataset: str) -> list[str]:
        """Return the key of every version of every object, delete markers too."""
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=dataset)
        return [
            one["Key"]
            for page in pages
            for one in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ]


def furnished(folder: Path, os: str = "debian-13") -> House:
    """Start a host and put everything on it; `sandbox.remove` is the caller's to call."""
    box = ground(NODE, "box", os, folder)
    hosts = [{"name": "box", "machine": "sandbox", "os": os, "runs": ["storage", "pacs"]}]
    context = box.context(**WISHES, hosts=hosts)
    install(box, "orthanc")
    config = shlex.quote(json.dumps(ORTHANC))
    box.ask(f"rm /etc/orthanc/*.json; printf %s {config} > /etc/orthanc/orthanc.json")
    box.ask(f"printf %s {shlex.quote(FILTER)} > /etc/orthanc/who-may-what.lua")
    box.ask("systemctl restart orthanc; install -d -m 0700 /etc/cairn/archive")
    box.ask(f"umask 077; echo {PASSWORD} > /etc/cairn/archive/freeze.password")
    for role in (certificate, storage, freeze):
        outcome = box.apply(role.plan(context))
        assert outcome.failure is None, outcome.failure
    house = House(box, context, administrator(box))
    for dataset in DATASETS:
        make_bucket(house.s3, dataset, "COMPLIANCE" if dataset == "forever" else "GOVERNANCE")
    for subject in SUBJECTS:
        house.send(*(image(subject, series, one) for series in (1, 2) for one in (1, 2, 3)))
    return house


def install(box: Ground, package: str) -> None:
    """Install a package, however long the mirror takes."""
    fetch = f"apt-get update -qq && apt-get install -qq -y {package}"
    how = "--quiet --no-block --unit=fetch --setenv=DEBIAN_FRONTEND=noninteractive"
    box.ask(f"systemd-run {how} --property=Type=oneshot sh -c {shlex.quote(fetch)}")
    while box.ask("systemctl show --value --property=ActiveState fetch") == "activating":
        time.sleep(1)
    box.ask(f"dpkg --status {package}")


def administrator(box: Ground) -> Any:  # noqa: ANN401 - boto3 has no types
    """Return a client of the storage as its administrator."""
    lines = box.ask("cat /etc/cairn/storage/root.env").splitlines()
    secrets = dict(line.split("=", 1) for line in lines)
    authority = box.folder / "authority.crt"
    authority.write_text(box.ask("cat /etc/cairn/pki/authority.crt") + "\n")
    return boto3.client(
        "s3",
        endpoint_url=f"https://{box.place.address}:7070",
        verify=str(authority),
        region_name="us-east-1",
        aws_access_key_id=secrets["ROOT_ACCESS_KEY_ID"],
        aws_secret_access_key=secrets["ROOT_SECRET_ACCESS_KEY"],
        config=Config(s3={"addressing_style": "path"}),
    )


def make_bucket(s3: Any, bucket: str, mode: str) -> None:  # noqa: ANN401 - boto3 has no types
    """Make a versioned, locked bucket that the user `freeze` may work in."""
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": mode, "Days": 30}}
    lock = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=lock)
    own = f"arn:aws:s3:::{bucket}"
    allowed = {own: freeze.MAY_IN_BUCKETS, f"{own}/*": freeze.MAY_WITH_OBJECTS}
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": ["freeze"]},
            "Action": list(actions),
            "Resource": place,
        }
        for place, actions in allowed.items()
    ]
    policy = {"Version": "2012-10-17", "Statement": statements}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
