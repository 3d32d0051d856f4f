"""The storage of the host: one bucket for each data set, over S3 on the loopback."""

from __future__ import annotations

import base64
import hashlib
from functools import wraps
from typing import IO, TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cairn_freeze import manifest as manifests
from cairn_freeze.manifest import LATEST, Entry, Manifest
from cairn_freeze.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

CHUNK: Final = 2**20
#: Most keys that one request may delete (S3 API, DeleteObjects).
AT_ONCE: Final = 1000
SETTINGS: Final = Config(
    s3={"addressing_style": "path"},
    retries={"mode": "standard", "max_attempts": 4},
    max_pool_connections=8,
)
MESSAGES: Final = {
    "NoSuchBucket": "there is no bucket for this data set; `cairn up` makes it",
    "AccessDenied": "the storage does not let this user do it; run `cairn up` again",
}


def _told(function: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """Turn the errors of S3 into sentences; they name neither keys nor subjects."""

    @wraps(function)
    def asked(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        try:
            return function(*args, **kwargs)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            told = f"the storage answers {code}; look into its journal"
            raise Refused(MESSAGES.get(code, told)) from None
        except BotoCoreError as error:
            raise Refused(
                f"the storage does not answer ({type(error).__name__}); "
                "look at `systemctl status versitygw`"
            ) from None

    return asked


class Storage:
    """The bucket of one data set."""

    def __init__(self, bucket: str, client: Any) -> None:  # noqa: ANN401 - boto3 has no types
        self.bucket = bucket
        self._client = client

    @_told
    def lock(self) -> dict[str, Any] | None:
        """Return mode and days of the bucket's object lock; None where it has none."""
        try:
            found = self._client.get_object_lock_configuration(Bucket=self.bucket)
        except ClientError as error:
            if "ObjectLock" in str(error.response["Error"]["Code"]):
                return None
            raise
        rule = found["ObjectLockConfiguration"].get("Rule", {}).get("DefaultRetention", {})
        days = rule.get("Days") or 365 * rule.get("Years", 0)
        return {"mode": rule.get("Mode", "none"), "days": days}

    @_told
    def listed(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Return key and size of each object."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix
        )
        return iter(
            [(one["Key"], one["Size"]) for page in pages for one in page.get("Contents", [])]
        )

    @_told
    def put(self, entry: Entry, body: IO[bytes] | bytes) -> None:
        """Store an object; the storage compares the bytes that arrive with their SHA-256."""
        self._client.put_object(
            Bucket=self.bucket,
            Key=entry.key,
            Body=body,
            ContentLength=entry.size,
            ChecksumSHA256=base64.b64encode(bytes.fromhex(entry.sha256)).decode(),
        )

    @_told
    def look(self, key: str, into: IO[bytes] | None = None) -> Entry | None:
        """Read an object back and hash it; None if it is not there.

        Args:
            key: Where it is.
            into: What its bytes are written to as well.
        """
        try:
            body = self._client.get_object(Bucket=self.bucket, Key=key)["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return None
            raise
        size, digest = 0, hashlib.sha256()
        for chunk in body.iter_chunks(CHUNK):
            size += len(chunk)
            digest.update(chunk)
            if into is not None:
                into.write(chunk)
        return Entry(key, size, digest.hexdigest())

    @_told
    def read(self, key: str) -> bytes:
        """Return the bytes of a small object."""
        data: bytes = self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return data

    def manifests(self) -> tuple[Manifest, ...]:
        """Return the manifests of all versions, oldest first."""
        found = manifests.versions(key for key, _ in self.listed(manifests.FOLDER))
        return tuple(manifests.read(self.read(manifests.name(version))) for version in found)

    def publish(self, manifest: Manifest) -> None:
        """Write the manifest of a version, and then the copy that people look at first."""
        data = manifests.written(manifest)
        self.put(manifests.entry_of(manifests.name(manifest["version"]), data), data)
        self.point_to(manifest)

    def point_to(self, manifest: Manifest) -> None:
        """Have the copy that people look at first be that of the newest version."""
        data = manifests.written(manifest)
        entry = manifests.entry_of(LATEST, data)
        if self.look(LATEST) != entry:
            self.put(entry, data)

    @_told
    def erase(self, prefix: str, *, keep: Iterable[str] = ()) -> int:
        """Delete every version of every object under a prefix, past a lock that may be passed.

        Args:
            prefix: Beginning of the keys.
            keep: Keys whose newest version stays.

        Returns:
            The number of versions that are gone.
        """
        kept, gone = set(keep), 0
        doomed = [
            {"Key": one["Key"], "VersionId": one["VersionId"]}
            for one in self._versions(prefix)
            if not (one["Key"] in kept and one.get("IsLatest"))
        ]
        bypass = {"BypassGovernanceRetention": True} if self.lock() else {}
        for start in range(0, len(doomed), AT_ONCE):
            some = doomed[start : start + AT_ONCE]
            answer = self._client.delete_objects(
                Bucket=self.bucket, Delete={"Objects": some, "Quiet": True}, **bypass
            )
            if answer.get("Errors"):
                code = answer["Errors"][0]["Code"]
                raise Refused(f"the storage does not delete an object ({code}); look at its lock")
            gone += len(some)
        return gone

    def _versions(self, prefix: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=prefix
        )
        return [
            one
            for page in pages
            for one in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ]


def client(url: str, authority: str, credentials: tuple[str, str]) -> Any:  # noqa: ANN401
    """Return an S3 client.

    Args:
        url: Where the storage answers.
        authority: PEM file of the authority that its certificate is from.
        credentials: Access key and secret.
    """
    access, secret = credentials
    return boto3.client(
        "s3",
        endpoint_url=url,
        verify=authority or None,
        region_name="us-east-1",
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        config=SETTINGS,
    )


def credentials(text: str) -> tuple[str, str]:
    """Return access key and secret from a file in the form of the AWS tools.

    Raises:
        Refused: One of them is missing.
    """
    words = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    found = {key.strip().lower(): value.strip() for key, value in words.items()}
    try:
        return found["aws_access_key_id"], found["aws_secret_access_key"]
    except KeyError:
        raise Refused(
            "the storage's credentials for this work cannot be read; run `cairn up`"
        ) from None
