"""A tiny role on this computer itself, so that runs need neither SSH nor a sandbox."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from cairn.ansible.job import Connection, HostFile, RoleRun
from cairn.ansible.logs import new_log
from cairn.ansible.run import run_role

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cairn.ansible.outcome import Outcome

TASKS = """\
- name: Put the rendered files in place
  ansible.builtin.copy:
    src: "{{ cairn_rendered }}{{ item.path }}"
    dest: "{{ item.path }}"
    mode: "{{ item.mode }}"
  loop: "{{ cairn_files }}"
  notify: Start the service again

- name: Write the word down
  ansible.builtin.copy:
    content: "{{ tiny_word }}"
    dest: "{{ tiny_folder }}/word"
    mode: "0600"
  when: tiny_word is defined

- name: Remove what is no longer planned
  ansible.builtin.file:
    path: "{{ item }}"
    state: absent
  loop: "{{ cairn_obsolete }}"

- name: Fail when told
  ansible.builtin.command: sh -c 'echo {{ tiny_complaint }} >&2; exit 3'
  changed_when: false
  when: tiny_complaint is defined

- name: Wait when told
  ansible.builtin.command: sleep 987654
  changed_when: false
  when: tiny_waits is defined
"""
HANDLERS = """\
- name: Start the service again
  ansible.builtin.command: "true"
  changed_when: true
"""


@pytest.fixture
def roles(tmp_path: Path) -> Path:
    """A folder with the role `tiny`."""
    for name, text in (("tasks", TASKS), ("handlers", HANDLERS)):
        folder = tmp_path / "roles" / "tiny" / name
        folder.mkdir(parents=True)
        (folder / "main.yml").write_text(text)
    return tmp_path / "roles"


@pytest.fixture
def prepare(tmp_path: Path, roles: Path) -> Callable[..., RoleRun]:
    """Returns a function that makes a run of `tiny` with one file, `target/greeting`."""
    target = tmp_path / "target"
    target.mkdir()

    def made(**more: Any) -> RoleRun:  # noqa: ANN401 - fields of a run
        variables = {"tiny_folder": str(target), **more.pop("variables", {})}
        defaults = {
            "files": {f"{target}/greeting": HostFile("hello\n", mode="0640")},
            "connection": Connection(local=True, user="root"),
        }
        log = new_log(tmp_path / "runs", "node", "host-1", "tiny")
        given = {**defaults, **more, "variables": variables}
        return RoleRun(
            node="node",
            host="host-1",
            role="tiny",
            roles=str(roles),
            log=str(log),
            work=str(tmp_path / "work"),
            **given,
        )

    return made


@pytest.fixture
def perform() -> Callable[[RoleRun], tuple[Outcome, list[str]]]:
    """Returns a function that runs a role and gives its outcome and the names of its tasks."""

    def performed(run: RoleRun) -> tuple[Outcome, list[str]]:
        tasks: list[str] = []

        async def note(name: str) -> None:
            tasks.append(name)

        return asyncio.run(run_role(run, note)), tasks

    return performed
