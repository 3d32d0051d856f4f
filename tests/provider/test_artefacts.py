"""Artefacts on their way to a host: sent once, gone on with, and never with other bytes."""

from __future__ import annotations

import asyncio
import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from cairn.ansible.job import Connection
from cairn.artefacts.cache import place_of
from cairn.artefacts.lock import Artefact, inputs_of
from cairn.provider import artefacts, role_apply
from cairn.provider.artefacts import CHUNK, send
from cairn.provider.failures import Refused
from cairn.provider.root_shell import root_shell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Provider

HERE = Connection(local=True, user="root")


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The bytes of an artefact of three and a half pieces, which lies in the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = os.urandom(3 * CHUNK + CHUNK // 2)
    place = place_of(artefact(made))
    place.parent.mkdir(parents=True)
    place.write_bytes(made)
    return made


def artefact(content: bytes, machine: str = "any") -> Artefact:
    digest = hashlib.sha256(content).hexdigest()
    return Artefact("thing", "1.0", "thing", digest, machine, "MIT", "https://vendor.example")


def sent(one: Artefact, folder: Path) -> list[str]:
    """Send to a folder of this computer and return the progress that was told."""
    told: list[str] = []

    async def tell(text: str) -> None:
        told.append(text)

    async def scenario() -> None:
        async with root_shell("host-1", HERE) as shell:
            await send(shell, [one], tell, str(folder))

    asyncio.run(scenario())
    return told


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where artefacts go on the host, with a space in its name."""
    return tmp_path / "the host" / "artefacts"


def test_an_artefact_is_sent_once(content: bytes, target: Path) -> None:
    one = artefact(content)
    first, second = sent(one, target), sent(one, target)
    assert (target / one.sha256).read_bytes() == content
    assert first[-1] == "sending thing 1.0: 4 of 4 MiB"
    assert second == []
    assert [path.name for path in target.iterdir()] == [one.sha256]


def test_a_copy_that_broke_goes_on_where_it_broke(content: bytes, target: Path) -> None:
    one = artefact(content)
    target.mkdir(parents=True)
    (target / f"{one.sha256}.part").write_bytes(content[: 2 * CHUNK])
    told = sent(one, target)
    assert (target / one.sha256).read_bytes() == content
    assert told == ["sending thing 1.0: 3 of 4 MiB", "sending thing 1.0: 4 of 4 MiB"]


@pytest.mark.parametrize("rubbish", [b"x" * CHUNK, b"x" * 4 * CHUNK])
def test_a_copy_with_other_bytes_is_sent_anew(content: bytes, target: Path, rubbish: bytes) -> None:
    one = artefact(content)
    target.mkdir(parents=True)
    (target / f"{one.sha256}.part").write_bytes(rubbish)
    sent(one, target)
    assert (target / one.sha256).read_bytes() == content


def test_what_was_changed_on_the_host_is_replaced(content: bytes, target: Path) -> None:
    one = artefact(content)
    target.mkdir(parents=True)
    (target / one.sha256).write_bytes(b"changed by hand")
    sent(one, target)
    assert (target / one.sha256).read_bytes() == content


def test_what_was_changed_in_the_cache_never_leaves_it(content: bytes, target: Path) -> None:
    one = artefact(content)
    place_of(one).write_bytes(b"changed by hand")
    with pytest.raises(Refused, match=r"is not thing 1.0 of the lock"):
        sent(one, target)
    assert not target.exists()


def test_a_program_for_another_processor_is_refused(content: bytes, target: Path) -> None:
    with pytest.raises(Refused, match=r"is for pdp11"):
        sent(artefact(content, "pdp11"), target)


def test_a_connection_that_breaks_leaves_a_copy_to_go_on_with(
    content: bytes, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = artefact(content)

    async def broken(_self: Any, file: Path, start: int, _size: int) -> Any:  # noqa: ANN401
        with file.open("rb") as opened:
            opened.seek(start)
            yield opened.read(CHUNK)

    with monkeypatch.context() as patch:
        patch.setattr(artefacts._Copy, "_read", broken)
        with pytest.raises(Refused, match=r"did not arrive .short.; the next `cairn up` goes on"):
            sent(one, target)
    assert (target / f"{one.sha256}.part").stat().st_size == CHUNK
    assert len(sent(one, target)) == 3
    assert (target / one.sha256).read_bytes() == content


@pytest.fixture
def redirected(target: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of artefacts on this computer, as if it were the host's."""
    sends = send

    async def here(shell: Any, chosen: Any, tell: Any) -> None:  # noqa: ANN401
        await sends(shell, chosen, tell, str(target))

    monkeypatch.setattr("cairn.artefacts.lock.FOLDER", str(target))
    monkeypatch.setattr(role_apply.artefacts, "send", here)
    return target


def test_a_role_finds_its_artefacts_on_the_host_and_takes_old_ones_away(
    play: Callable[..., None],
    inputs: dict[str, Any],
    house: Path,
    content: bytes,
    redirected: Path,
) -> None:
    one = artefact(content)
    kept = redirected / one.sha256
    (house / "roles" / "tiny" / "tasks" / "main.yml").write_text(
        '- name: Read it\n  ansible.builtin.command: test -x "{{ cairn_artefacts[0].path }}"\n'
        "  changed_when: false\n  when: cairn_artefacts | length > 0\n"
        "- name: Take the old away\n  ansible.builtin.file: {path: '{{ item }}', state: absent}\n"
        "  loop: '{{ cairn_obsolete }}'\n"
    )

    async def scenario(provider: Provider) -> None:
        having = {**inputs, "files": {}, "artefacts": inputs_of([one])}
        await provider.create(having, preview=True)
        assert provider.engine.lines == [
            f"sends thing 1.0 (sha256:{one.sha256}) if the host lacks it"
        ]
        assert not kept.exists()
        _, outputs = await provider.create(having)
        assert kept.exists()
        assert "sending thing 1.0: 4 of 4 MiB" in provider.engine.statuses
        bare = {**having, "artefacts": {}}
        difference = await provider.diff(having, bare, outputs)
        assert list(difference.detailedDiff) == ["artefacts.thing"]
        await provider.update(having, outputs, bare)
        assert not kept.exists()

    play(scenario)


def test_an_artefact_without_a_digest_is_refused(
    play: Callable[..., None], inputs: dict[str, Any]
) -> None:
    async def scenario(provider: Provider) -> None:
        _, failures = await provider.check({**inputs, "artefacts": {"thing": {"version": "1"}}})
        assert [place for place, _ in failures] == ['artefacts["thing"]']

    play(scenario)
