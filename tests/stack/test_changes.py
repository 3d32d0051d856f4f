"""What a preview says, read from Pulumi's JSON."""

from __future__ import annotations

from typing import Any

from cairn.stack.changes import SIGNATURE, UNKNOWN, Change, FileChange, changes

URN = "urn:pulumi:n::cairn-nodes::cairn:node:Host$cairn:index:Role::imaging-1-base"


def file(content: str, **more: str) -> dict[str, Any]:
    return {"content": content, "mode": "0644", "owner": "root", "group": "root", **more}


def step(op: str, old: dict[str, Any] | None, new: dict[str, Any] | None, **more: Any) -> Any:  # noqa: ANN401
    states = {
        "oldState": {"inputs": old, **more} if old is not None else None,
        "newState": {"inputs": new} if new is not None else None,
    }
    return {"op": op, "urn": URN, **states}


def only(op: str, old: dict[str, Any] | None, new: dict[str, Any] | None, **more: Any) -> Change:  # noqa: ANN401
    (change,) = changes({"steps": [step(op, old, new, **more)]})
    return change


def test_a_changed_file_is_told_as_a_unified_diff() -> None:
    change = only(
        "update",
        {"files": {"/etc/issue": file("one\ntwo\n"), "/etc/same": file("x\n")}},
        {"files": {"/etc/issue": file("one\nthree\n"), "/etc/same": file("x\n")}},
    )
    diff = ("--- /etc/issue (now)", "+++ /etc/issue", "@@ -1,2 +1,2 @@", " one", "-two", "+three")
    assert change.files == (FileChange("/etc/issue", diff),)


def test_a_new_file_comes_from_nothing_and_a_lost_one_goes_there() -> None:
    made = only("create", None, {"files": {"/etc/issue": file("one\n")}})
    lost = only("update", {"files": {"/etc/issue": file("one\n")}}, {"files": {}})
    assert made.files[0].diff[:2] == ("--- /dev/null", "+++ /etc/issue")
    assert lost.files[0].diff[:2] == ("--- /etc/issue (now)", "+++ /dev/null")


def test_a_mode_that_changes_alone_is_told() -> None:
    change = only("update", {"files": {"/k": file("x")}}, {"files": {"/k": file("x", mode="0600")}})
    assert change.files == (FileChange("/k", ("mode 0644 -> 0600",)),)


def test_a_secret_is_never_shown() -> None:
    secret = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "value": "hunter2"}
    change = only(
        "update",
        {"files": {"/k": secret}, "variables": {"p": "old"}},
        {"files": {"/k": {**secret, "value": "hunter3"}}, "variables": {"p": secret}},
    )
    assert change.files == (FileChange("/k", ("/k: (secret; not shown)",)),)
    assert change.reasons == ("p: (secret) changed",)


def test_variables_code_and_unknown_values_are_reasons() -> None:
    change = only(
        "update",
        {"variables": {"a": 1, "b": 2}, "digest": "x"},
        {"variables": {"a": 1, "b": UNKNOWN}, "digest": "y"},
    )
    assert change.reasons == (
        "the role's own files changed",
        "b: 2 -> (known after the change)",
    )


def test_what_would_be_sent_is_told_by_name_version_and_digest() -> None:
    one = {"version": "1.8.0", "sha256": 64 * "a", "file": "versitygw", "machine": "x86_64"}
    told = f"sends versitygw 1.8.0 (sha256:{64 * 'a'}) if the host lacks it"
    older = {"versitygw": {**one, "version": "1.7.0", "sha256": 64 * "b"}}
    assert only("create", None, {"artefacts": {"versitygw": one}}).reasons == (told,)
    assert only(
        "update",
        {"artefacts": older, "digest": "x"},
        {"artefacts": {"versitygw": one}, "digest": "x"},
    ).reasons == (told,)
    same = {"artefacts": {"versitygw": one}, "digest": "x"}
    assert only("update", same, {**same, "digest": "y"}).reasons == (
        "the role's own files changed",
    )


def test_drift_is_told_as_what_will_be_repaired() -> None:
    drift = [{"task": "Show the login banner", "what": "/etc/issue", "diff": ""}]
    change = only("update", {}, {}, outputs={"drift": drift})
    assert change.reasons == ("repair: Show the login banner (/etc/issue)",)


def test_steps_that_change_nothing_and_components_are_left_out() -> None:
    component = {"op": "create", "urn": "urn:pulumi:n::cairn-nodes::cairn:node:Host::imaging-1"}
    assert changes({"steps": [step("same", {}, {}), component]}) == ()
