"""Drift as it stands in the state of a stack."""

from __future__ import annotations

from cairn.stack.drift import Drift, recorded


def test_each_difference_names_host_role_task_and_thing() -> None:
    found = {"task": "Show the login banner", "what": "/etc/issue", "diff": "-x"}
    role = {"outputs": {"host": "imaging-1", "role": "base", "drift": [found]}}
    state = {"deployment": {"resources": [{"type": "pulumi:pulumi:Stack"}, role]}}
    assert recorded(state) == (
        Drift("imaging-1", "base", "Show the login banner", "/etc/issue", "-x"),
    )


def test_a_machine_that_does_not_run_is_drift() -> None:
    machine = {"outputs": {"host": "imaging-1", "drift": ["the host is not running"]}}
    state = {"deployment": {"resources": [machine]}}
    assert recorded(state) == (Drift("imaging-1", "machine", "the host is not running", "", ""),)


def test_a_state_without_resources_has_no_drift() -> None:
    assert recorded({"deployment": {}}) == ()
