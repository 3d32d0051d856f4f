"""A program as root on one host of a node: its answer, or one sentence of what is wrong."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from cairn.errors import ApplyFailed
from cairn.stack import orders
from policies.specimens import document

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.provider.root_shell import RootShell
    from cairn.spec.document import Document

HERE: dict[str, Any] = {"local": True, "user": "root"}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Document:
    """Return a hub of which one host is this computer and another does not run."""
    if os.geteuid() != 0:
        pytest.skip("orders are given as root; run `sudo make test`")
    monkeypatch.setattr(orders, "connections", lambda _: {"here": HERE, "off": None})
    return document(tmp_path, "hub")


def test_words_and_what_is_fed_arrive_as_they_are(hub: Document) -> None:
    said = orders.ask(hub, "here", 'printf "%s|" "$@"; cat', "two words", "$x", feed=b"fed\n")
    assert said == "two words|$x|fed\n"


def test_a_program_that_is_not_there_is_told_with_what_to_do(hub: Document) -> None:
    with pytest.raises(ApplyFailed, match=r": here: it has no such program yet; run `cairn up`"):
        orders.ask(hub, "here", 'exec /nowhere/program "$@"', "list")
    with pytest.raises(ApplyFailed, match=r": here: nobody signed it$"):
        orders.ask(hub, "here", f"exit {orders.ABSENT}", absent="nobody signed it")


def test_of_a_failure_the_last_complaint_is_told(hub: Document) -> None:
    with pytest.raises(ApplyFailed, match=r": here: because$"):
        orders.ask(hub, "here", "echo first >&2; echo because >&2; exit 3")
    with pytest.raises(ApplyFailed, match=r": here: it gave no reason$"):
        orders.ask(hub, "here", "exit 3")


def test_a_host_that_does_not_run_is_told_with_the_verb_that_starts_it(hub: Document) -> None:
    with pytest.raises(ApplyFailed, match=f"off does not run; `cairn up {hub.spec.name}`"):
        orders.ask(hub, "off", "true")


def test_a_conversation_is_in_one_shell(hub: Document) -> None:
    async def act(shell: RootShell) -> list[str]:
        return [(await shell.run(f"echo {word}")).text.strip() for word in ("one", "two")]

    assert orders.talk(hub, "here", act) == ["one", "two"]
