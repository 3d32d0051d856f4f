"""A bucket of the storage of this host, over S3 on the loopback; its errors become sentences."""

from __future__ import annotations

import base64
import hashlib
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from cairn_account.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

CHUNK: Final = 2**20
#: Seconds until somebody is told that the storage does not answer.
PATIENCE: Final = 30
MESSAGES: Final = {
    "NoSuchBucket": "the storage has no bucket of that name; `cairn up` makes it",
    "AccessDenied": "the storage does not let the hub's apps do this; run `cairn up` again",
    "InvalidAccessKeyId": "the storage does not know the hub's apps; run `cairn up` again",
}


def _told(function: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """Turn the errors of S3 into sentences."""

    @wraps(function)
    def asked(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as below

        try:
            return function(*args, **kwargs)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            told = f"the storage answers {code}; read `journalctl -u cairn-s3`"
            raise Refused(MESSAGES.get(code, told)) from None
        except BotoCoreError as error:
            raise Refused(
                f"the storage does not answer ({type(error).__name__}); "
                "look at `systemctl status cairn-s3`"
            ) from None

    return asked


class Bucket:
    """One bucket, as the consumer that its credentials name.

    Args:
        place: `url`, `authority`, `credentials` and `bucket`, as the plan has them.
    """

    def __init__(self, place: Mapping[str, str]) -> None:
        self.name = place["bucket"]
        self._place = place

    @_told
    def put(self, key: str, file: Path, sha256: str) -> None:
        """Store a file; the storage compares the bytes that arrive with their SHA-256."""
        with file.open("rb") as body:
            self._s3.put_object(
                Bucket=self.name,
                Key=key,
                Body=body,
                ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode(),
            )

    @_told
    def digest(self, key: str) -> str | None:
        """Read an object back and return its SHA-256; None if it is not there."""
        found = hashlib.sha256()
        try:
            for part in self._parts(key):
                found.update(part)
        except self._s3.exceptions.NoSuchKey:
            return None
        return found.hexdigest()

    @_told
    def read(self, key: str) -> bytes:
        """Return the bytes of an object."""
        return b"".join(self._parts(key))

    @_told
    def sizes(self) -> dict[str, int]:
        """Return the size of each object by its key."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return {one["Key"]: int(one["Size"]) for page in pages for one in page.get("Contents", ())}

    def _parts(self, key: str) -> Iterator[bytes]:
        answer = self._s3.get_object(Bucket=self.name, Key=key)
        yield from answer["Body"].iter_chunks(CHUNK)

    @cached_property
    def _s3(self) -> Any:  # noqa: ANN401 - boto3 has no types
        # A hub without a storage has none of it.
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415

        access, secret = _credentials(Path(self._place["credentials"]))
        return boto3.client(
            "s3",
            endpoint_url=self._place["url"],
            verify=self._place["authority"],
            region_name="us-east-1",
            aws_access_key_id=access,
            aws_secret_access_key=secret,
            config=Config(
                # The loopback has no proxy, whatever the environment says.
                proxies={},
                s3={"addressing_style": "path"},
                retries={"mode": "standard", "max_attempts": 2},
                connect_timeout=PATIENCE,
                read_timeout=PATIENCE,
            ),
        )


def _credentials(file: Path) -> tuple[str, str]:
    """Return access key and secret from a file in the form of AWS's programs."""
    try:
        lines = [one.partition("=") for one in file.read_text("utf-8").splitlines()]
        found = {key.strip().lower(): value.strip() for key, equals, value in lines if equals}
        return found["aws_access_key_id"], found["aws_secret_access_key"]
    except (OSError, KeyError, UnicodeDecodeError):
        raise Refused(
            "the hub's credentials for its storage cannot be read; run `cairn up`"
        ) from None
