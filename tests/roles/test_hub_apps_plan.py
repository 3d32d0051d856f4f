"""Where a hub has an S3 server beside its apps, what comes of runs goes into a bucket of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from cairn import house
from cairn.plan.context import Context, Place
from cairn.plan.model import PlannedHost
from cairn.plan.roles import hub_apps, storage
from cairn.render.files import render_role
from cairn.spec.loader import load

if TYPE_CHECKING:
    from cairn.plan.model import PlannedRole

HUB = house.root() / "nodes" / "demo-hub.yaml"


def context(*runs: str) -> Context:
    papers = load(HUB)
    host = papers.spec.hosts[0].model_copy(update={"runs": runs} if runs else {})
    spec = papers.spec.model_copy(update={"hosts": (host,)})
    return Context(replace(papers, spec=spec), host, Place("198.18.0.2", "cairn"))


def settings(role: PlannedRole) -> dict[str, object]:
    host = PlannedHost("hub-1", "debian-13", "198.18.0.2", True, (), (), (role,))  # noqa: FBT003
    files = {file.path: file.content for file in render_role("demo-hub", host, role)}
    return dict(json.loads(files["/etc/cairn/hub-apps.json"]))


def test_a_storage_beside_the_apps_keeps_results_in_versions() -> None:
    mine = context()
    role = hub_apps.plan(mine)
    assert settings(role)["storage"] == hub_apps.BUCKET
    assert "python3-boto3" in role.packages
    assert role.without == ()
    beside = storage.plan(mine)
    (bucket,) = beside.buckets
    assert (bucket.name, bucket.versioning, bucket.readers) == ("results", True, ())
    assert bucket.writers == ("hub-apps",)
    assert hub_apps.BUCKET["credentials"] in {one.path for one in beside.secrets}
    assert [one.address for one in beside.listeners] == ["127.0.0.1"] * 2


def test_without_one_they_stay_on_the_disk_and_the_plan_says_so() -> None:
    role = hub_apps.plan(context("hub-ca", "hub-fl"))
    assert settings(role)["storage"] is None
    assert role.without == (hub_apps.NO_BUCKET,)
    assert role.packages == ("python3",)
    assert role.variables == {"hub_apps_packages": []}
