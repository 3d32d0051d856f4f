"""What differs between a role as recorded and as wanted."""

from __future__ import annotations

from typing import Any

from cairn.provider.role_diff import compare_roles, digest_of_inputs, digests_of_files
from cairn.provider.wire import UNKNOWN, Secret

WAY = {"local": False, "address": "10.0.0.1", "user": "cairn", "host_key": "ssh-ed25519 A"}


def _inputs(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - any input
    return {
        "node": "demo",
        "host": "host-1",
        "role": "base",
        "digest": "sha256:0",
        "connection": WAY,
        "variables": {"base_a": 1},
        "files": {"/etc/nftables.conf": {"content": "x\n", "mode": "0644"}},
        **more,
    }


def _changes(new: dict[str, Any], outputs: dict[str, Any] | None = None) -> dict[str, str]:
    return dict(compare_roles(_inputs(), outputs or {}, new).changes)


def test_nothing_differs_from_itself() -> None:
    assert _changes(_inputs()) == {}


def test_a_changed_file_is_named_down_to_its_content() -> None:
    files = {"/etc/nftables.conf": {"content": "y\n", "mode": "0644"}}
    assert _changes(_inputs(files=files)) == {'files["/etc/nftables.conf"].content': "UPDATE"}


def test_added_and_removed_files_are_named() -> None:
    files = {"/etc/motd": {"content": "hi\n"}}
    assert _changes(_inputs(files=files)) == {
        'files["/etc/motd"]': "ADD",
        'files["/etc/nftables.conf"]': "DELETE",
    }


def test_a_changed_variable_is_named() -> None:
    new = _inputs(variables={"base_a": 2, "base_b": 1})
    assert _changes(new) == {"variables.base_a": "UPDATE", "variables.base_b": "ADD"}


def test_changed_role_code_is_a_difference() -> None:
    assert _changes(_inputs(digest="sha256:1")) == {"digest": "UPDATE"}


def test_a_host_that_has_only_moved_is_no_difference() -> None:
    assert _changes(_inputs(connection={**WAY, "address": "10.0.0.2", "port": 2222})) == {}


def test_a_new_host_key_is_a_new_machine() -> None:
    new = _inputs(connection={**WAY, "host_key": "ssh-ed25519 B"})
    assert _changes(new) == {"connection.host_key": "UPDATE"}


def test_a_connection_that_is_not_known_yet_is_a_new_machine() -> None:
    assert _changes(_inputs(connection=UNKNOWN)) == {"connection": "UPDATE"}


def test_another_host_or_role_is_another_resource() -> None:
    assert _changes(_inputs(host="host-2")) == {"host": "UPDATE_REPLACE"}


def test_recorded_drift_is_a_difference_that_the_program_did_not_make() -> None:
    found = compare_roles(_inputs(), {"drift": [{"task": "t"}]}, _inputs())
    assert dict(found.changes) == {"drift": "UPDATE"}
    assert found.from_outputs == {"drift"}


def test_a_changed_secret_is_a_difference_and_the_same_secret_is_none() -> None:
    old = _inputs(variables={"base_a": Secret("x")})
    same = compare_roles(old, {}, _inputs(variables={"base_a": "x"}))
    other = compare_roles(old, {}, _inputs(variables={"base_a": Secret("y")}))
    assert dict(same.changes) == {}
    assert dict(other.changes) == {"variables.base_a": "UPDATE"}


def test_an_unknown_variable_is_a_difference() -> None:
    assert _changes(_inputs(variables={"base_a": UNKNOWN})) == {"variables.base_a": "UPDATE"}


def test_no_digest_is_made_of_a_secret() -> None:
    secret = _inputs(variables={"base_a": Secret("x")}, files={"/k": {"content": Secret("k")}})
    other = _inputs(variables={"base_a": Secret("y")}, files={"/k": {"content": Secret("l")}})
    assert digests_of_files(secret) == {"/k": "secret"}
    assert digest_of_inputs(secret) == digest_of_inputs(other)
