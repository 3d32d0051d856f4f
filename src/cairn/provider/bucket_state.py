"""What a bucket is to be and what it is, in the words of S3; every function talks to one bucket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cairn.plan.roles.freeze import MAY_IN_BUCKETS, MAY_WITH_OBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cairn.provider.wire import Values

#: The settings of a bucket that an apply sets and a look finds.
SETTINGS = ("versioning", "retention", "expire_days", "policy")
READS = ("s3:GetObject", "s3:GetObjectVersion")
LISTS = ("s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation")
WRITES = ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:GetObject")
#: Codes of S3 that say that something is not set, and of those that cannot set it at all.
_UNSET = {
    "NoSuchBucketPolicy",
    "NoSuchLifecycleConfiguration",
    "ObjectLockConfigurationNotFoundError",
    "NotImplemented",
}


def settings_of(inputs: Values) -> Values:
    """Return the settings that the inputs ask for; all of them plain values."""
    return {
        "versioning": bool(inputs.get("versioning")) or bool(inputs.get("retention")),
        "retention": inputs.get("retention") or None,
        "expire_days": inputs.get("expire_days"),
        "policy": policy_of(inputs),
    }


def policy_of(inputs: Values) -> Values | None:
    """Return the policy of a bucket: who reads, who writes; nobody else may do anything.

    A user of Ceph is named by its ARN, one of versitygw by its access key.
    """
    name = f"arn:aws:s3:::{inputs['name']}"
    foreign = "arn:aws:iam:::user/" if inputs.get("endpoint") else ""
    readers, writers, keepers = (
        [f"{foreign}{one}" for one in inputs.get(way) or ()]
        for way in ("readers", "writers", "keepers")
    )
    statements = [
        *_allow("read", readers, READS, f"{name}/*"),
        *_allow("write", writers, WRITES, f"{name}/*"),
        *_allow("list", sorted({*readers, *writers}), LISTS, name),
        *_allow("keep", keepers, MAY_WITH_OBJECTS, f"{name}/*"),
        *_allow("keep-bucket", keepers, MAY_IN_BUCKETS, name),
    ]
    return {"Version": "2012-10-17", "Statement": statements} if statements else None


def _allow(
    sid: str, who: list[str], actions: tuple[str, ...], resource: str
) -> Iterable[dict[str, Any]]:
    if who:
        yield {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"AWS": who},
            "Action": list(actions),
            "Resource": resource,
        }


def look(s3: Any, name: str) -> Values | None:  # noqa: ANN401 - boto3 has no types
    """Return the settings that a bucket has, None when there is no such bucket."""
    try:
        s3.head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchBucket"}:
            return None
        raise
    lock = _asked(s3.get_object_lock_configuration, name).get("ObjectLockConfiguration", {})
    rule = lock.get("Rule", {}).get("DefaultRetention", {})
    rules = _asked(s3.get_bucket_lifecycle_configuration, name).get("Rules", [])
    policy = _asked(s3.get_bucket_policy, name).get("Policy")
    return {
        "versioning": _asked(s3.get_bucket_versioning, name).get("Status") == "Enabled",
        "retention": {"mode": rule["Mode"].lower(), "days": rule["Days"]} if rule else None,
        "expire_days": rules[0].get("Expiration", {}).get("Days") if rules else None,
        "policy": json.loads(policy) if policy else None,
    }


def make(s3: Any, name: str, wanted: Values) -> None:  # noqa: ANN401
    """Make a bucket; what is made with locks must be made so from the beginning."""
    locks = {"ObjectLockEnabledForBucket": True} if wanted["retention"] else {}
    s3.create_bucket(Bucket=name, **locks)


def change(s3: Any, name: str, found: Values, wanted: Values) -> list[str]:  # noqa: ANN401
    """Set what differs and return its names."""
    setters = {
        "versioning": _set_versioning,
        "retention": _set_retention,
        "expire_days": _set_expiry,
        "policy": _set_policy,
    }
    changed = [one for one in SETTINGS if found[one] != wanted[one]]
    for one in changed:
        setters[one](s3, name, wanted[one])
    return changed


def is_empty(s3: Any, name: str) -> bool:  # noqa: ANN401
    """Whether a bucket has no object and no older version of one."""
    versions = s3.list_object_versions(Bucket=name, MaxKeys=1)
    objects = s3.list_objects_v2(Bucket=name, MaxKeys=1)
    marked = versions.get("DeleteMarkers") or versions.get("Versions")
    return not (marked or objects.get("Contents"))


def empty(s3: Any, name: str) -> None:  # noqa: ANN401
    """Delete every object and every older version."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            s3.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for one in page.get("Contents", ()):
            s3.delete_object(Bucket=name, Key=one["Key"])


def _asked(question: Any, name: str) -> dict[str, Any]:  # noqa: ANN401
    try:
        answer: dict[str, Any] = question(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] in _UNSET:
            return {}
        raise
    return answer


def _set_versioning(s3: Any, name: str, on: Any) -> None:  # noqa: ANN401
    status = {"Status": "Enabled" if on else "Suspended"}
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=status)


def _set_retention(s3: Any, name: str, lock: Any) -> None:  # noqa: ANN401
    rule = (
        {"DefaultRetention": {"Mode": lock["mode"].upper(), "Days": lock["days"]}} if lock else {}
    )
    wanted = {"ObjectLockEnabled": "Enabled", **({"Rule": rule} if rule else {})}
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=wanted)


def _set_expiry(s3: Any, name: str, days: Any) -> None:  # noqa: ANN401
    if days is None:
        s3.delete_bucket_lifecycle(Bucket=name)
        return
    rule = {
        "ID": "cairn",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"Days": days},
        "NoncurrentVersionExpiration": {"NoncurrentDays": days},
    }
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [rule]})


def _set_policy(s3: Any, name: str, policy: Any) -> None:  # noqa: ANN401
    if policy is None:
        s3.delete_bucket_policy(Bucket=name)
    else:
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
