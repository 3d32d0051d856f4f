"""What a spec says about its buckets: who names which, and what the S3 server can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn.spec.vocabulary import closest, listed

if TYPE_CHECKING:
    from cairn.spec.tree import Tree


def _consumers_name_known_buckets(tree: Tree) -> None:
    known = [name for _, name in tree.texts("datasets.*.name")]
    known += [name for _, name in tree.texts("storage.buckets.*.name")]
    for way in ("reads", "writes"):
        for loc, name in tree.texts(f"storage.consumers.*.{way}.*"):
            if name not in known:
                meant = closest(name, known)
                advice = f"did you mean `{meant}`?" if meant else (
                    f"use {listed(known)}" if known else "declare it under `storage.buckets`"
                )  # fmt: skip
                tree.fault(loc, f"unknown bucket; {advice}")


def _only_ceph_deletes_by_age(tree: Tree) -> None:
    engines = [engine for _, engine in tree.texts("storage.engine")]
    if "ceph" not in engines:
        for loc, _ in tree.each("storage.buckets.*.expire_days"):
            tree.fault(loc, "versitygw deletes nothing by age; remove it, or use `engine: ceph`")


def _locked_objects_have_versions(tree: Tree) -> None:
    for loc, bucket in tree.each("storage.buckets.*"):
        if isinstance(bucket, dict) and "retention" in bucket and bucket.get("versioning") is False:
            tree.fault((*loc, "versioning"), "retention needs versioning; remove this line")


def _ceph_has_an_administrator(tree: Tree) -> None:
    for loc, engine in tree.texts("storage.engine"):
        if engine == "ceph" and not list(tree.each("storage.credentials")):
            tree.fault(loc, "buckets of an existing Ceph are made by its administrator; add "
                       "`credentials`")  # fmt: skip


BUCKET_QUESTIONS = (
    _consumers_name_known_buckets,
    _only_ceph_deletes_by_age,
    _locked_objects_have_versions,
    _ceph_has_an_administrator,
)
