"""Data sets on a real host: Orthanc as archive, versitygw as storage, and all that can happen."""

from __future__ import annotations

import hashlib
import http.client
import json
import shlex
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from cairn import sandbox
from cairn.plan.roles import certificate, freeze, storage
from freeze.images import image
from roles.harness import ground

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roles.harness import Ground

NODE = "freeze"
PASSWORD = "made-for-this-test-only"
BUCKETS = ("lung-ct", "breast-mr")
WISHES = {
    "kind": "data-provider",
    "hosts": [
        {"name": "box", "machine": "sandbox", "os": "debian-13", "runs": ["storage", "pacs"]}
    ],
    "datasets": [{"name": name, "description": "Made for tests"} for name in BUCKETS],
    "storage": {
        "path": "/srv/imaging",
        "size": "1 GiB",
        "consumers": [{"name": "freeze", "writes": list(BUCKETS)}],
    },
}
ORTHANC = {
    "Name": "ARCHIVE",
    "StorageDirectory": "/var/lib/orthanc/db-v6",
    "IndexDirectory": "/var/lib/orthanc/db-v6",
    "RemoteAccessAllowed": True,
    "AuthenticationEnabled": True,
    "RegisteredUsers": {"freeze": PASSWORD},
}
#: Twelve subjects, two series of each, three images a series.
SUBJECTS = [f"SUBJ-{number:02}" for number in range(12)]
JOB = {
    "verb": "freeze",
    "dataset": "lung-ct",
    "datasets": list(BUCKETS),
    "node": NODE,
    "made_with": "cairn 0",
    "query": {"Modality": "CT", "BodyPartExamined": "CHEST"},
    "permit": {"id": "TEST-2026-1", "expires": "2027-06-30"},
    "deidentification": {"profile": "basic", "options": []},
    "least": 10,
}


@dataclass(frozen=True)
class House:
    """A host with archive, storage and the program that freezes, and a client of its storage."""

    box: Ground
    s3: Any

    def submit(self, **changes: object) -> str:
        """Hand in a job and return its name."""
        job = json.dumps({**JOB, **changes})
        return self.box.ask(
            f"printf '%s\\n' x MARK {shlex.quote(job)} | "
            "/usr/local/libexec/cairn/freeze-job submit MARK"
        )

    def ended(self, name: str) -> dict[str, Any]:
        """Wait for a job to end and return its result."""
        for _ in range(240):
            told = self.box.ask(f"/usr/local/libexec/cairn/freeze-job look {name}; echo .")
            state, _, result, _ = told.splitlines()
            if result:
                self.box.ask(f"/usr/local/libexec/cairn/freeze-job forget {name}")
                return dict(json.loads(result))
            assert state not in {"failed", "inactive"}, self.box.ask(
                f"journalctl --no-pager --unit cairn-freeze@{name}"
            )
            time.sleep(0.25)
        raise AssertionError("the job does not end")

    def do(self, **changes: object) -> dict[str, Any]:
        """Do a job; it must not be refused."""
        answer = self.ended(self.submit(**changes))
        assert answer["ok"], answer
        return dict(answer["result"])

    def refused(self, **changes: object) -> str:
        """Do a job that must be refused and return why."""
        answer = self.ended(self.submit(**changes))
        assert not answer["ok"], answer
        return str(answer["message"])

    def send(self, *files: bytes) -> None:
        """Store images in the archive."""
        link = http.client.HTTPConnection(self.box.place.address, 8042, timeout=30)
        token = b64encode(f"freeze:{PASSWORD}".encode()).decode()
        for file in files:
            link.request("POST", "/instances", file, {"Authorization": f"Basic {token}"})
            answer = link.getresponse()
            told = answer.read()
            assert answer.status == 200, told

    def archive_forgets(self, subject: str) -> None:
        """Take a subject out of the archive."""
        link = http.client.HTTPConnection(self.box.place.address, 8042, timeout=30)
        token = b64encode(f"freeze:{PASSWORD}".encode()).decode()
        number = hashlib.sha1(subject.encode()).hexdigest()  # noqa: S324 - Orthanc's identifiers
        parts = "-".join(number[start : start + 8] for start in range(0, 40, 8))
        link.request("DELETE", f"/patients/{parts}", headers={"Authorization": f"Basic {token}"})
        assert link.getresponse().status == 200

    def manifest(self, version: int | None = None, bucket: str = "lung-ct") -> dict[str, Any]:
        """Return a manifest as a consumer reads it."""
        key = f"manifests/v{version:04}.json" if version else "manifest.json"
        return dict(json.loads(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()))

    def versions(self, bucket: str = "lung-ct") -> list[dict[str, Any]]:
        """Return every version of every object."""
        found = self.s3.list_object_versions(Bucket=bucket)
        return [*found.get("Versions", []), *found.get("DeleteMarkers", [])]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Yield a host with twelve subjects in its archive."""
    try:
        box = ground(NODE, "box", "debian-13", tmp_path_factory.mktemp("box"))
        context = box.context(**WISHES)
        box.ask("apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -qq -y orthanc")
        config = shlex.quote(json.dumps(ORTHANC))
        box.ask(f"rm /etc/orthanc/*.json; printf %s {config} > /etc/orthanc/orthanc.json")
        box.ask("systemctl restart orthanc")
        box.ask(
            "install -d -m 0700 /etc/cairn/archive; umask 077; "
            f"echo {PASSWORD} > /etc/cairn/archive/freeze.password"
        )
        for role in (certificate, storage, freeze):
            outcome = box.apply(role.plan(context))
            assert outcome.failure is None, outcome.failure
        here = House(box, client(box))
        for bucket in BUCKETS:
            make_bucket(here.s3, bucket)
        for subject in SUBJECTS:
            here.send(*(image(subject, series, one) for series in (1, 2) for one in (1, 2, 3)))
        yield here
    finally:
        sandbox.remove(NODE, "box")


def client(box: Ground) -> Any:  # noqa: ANN401 - boto3 has no types
    """Return a client of the storage as its administrator."""
    secrets = dict(
        line.split("=", 1) for line in box.ask("cat /etc/cairn/storage/root.env").splitlines()
    )
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


def make_bucket(s3: Any, bucket: str) -> None:  # noqa: ANN401 - boto3 has no types
    """Make a versioned, locked bucket that the user `freeze` may work in."""
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}
    s3.put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule},
    )
    own = f"arn:aws:s3:::{bucket}"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": ["freeze"]},
        "Action": ["s3:*"],
        "Resource": [own, f"{own}/*"],
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


@pytest.mark.sandbox
def test_a_cohort_becomes_a_version_with_every_object_hashed(house: House) -> None:
    told = house.do()
    made = house.manifest()
    assert (told["version"], told["objects"], told["is_new"]) == (1, 72, True)
    assert told["summary"]["subjects"] == 12
    assert made == house.manifest(1)
    for one in made["objects"]:
        body = house.s3.get_object(Bucket="lung-ct", Key=one["key"])["Body"].read()
        assert (len(body), hashlib.sha256(body).hexdigest()) == (one["size"], one["sha256"])
    assert made["permit"]["id"] == "TEST-2026-1"
    assert made["lock"] == {"mode": "GOVERNANCE", "days": 30}
