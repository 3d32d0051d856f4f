"""What `cairn app` and `cairn runs` print, and what they hand to the hosts."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from approval import flower
from cairn.apps import account, desk, signature
from cairn.cli.app import app
from cairn.cli.runs import runs
from cairn.errors import EvidenceRefused, Misuse, PlanRefused
from cairn.evidence import keys
from cairn.spec import loader
from policies.specimens import document

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from cairn.apps.bundle import App

BY = ("--by", "dpo@hospital.example")
PERMIT = {
    "id": "P-1",
    "persons": ["ana@hospital.example"],
    "datasets": ["lesions"],
    "expires": "2999-12-31",
    "delete_by": "2999-12-31",
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[tuple[str, ...], bytes]]:
    """Play the hosts of a hub and a hospital; return what is asked of them."""
    calls: list[tuple[tuple[str, ...], bytes]] = []
    hospital = document(
        tmp_path,
        "data-provider",
        datasets=[
            {"name": "lesions", "description": "Made up"},
            {"name": "chests", "description": "Made up"},
        ],
        permits=[PERMIT, {**PERMIT, "id": "P-0", "expires": "2020-01-01"}],
    )
    hub = document(tmp_path, "hub")
    monkeypatch.setattr(loader, "load_node", lambda name: hub if name == "hub" else hospital)

    def told(_: object, *words: str, feed: bytes = b"") -> dict[str, Any]:
        calls.append((words, feed))
        app = words[1] if len(words) > 1 else "none"
        if words[0] == "run":
            return {"run": "7", "sites": 2, "status": "started", "ended": False}
        return {"app": app, "permit_ends": "2999-12-31", "dataset": "lesions", "signed_by": "",
                "apps": [], "run": "7", "sites": 2, "status": "finished:completed", "ended": True,
                "results": ["model.npz"], "folder": "/var/lib/cairn-apps/results/7"}  # fmt: skip

    monkeypatch.setattr(desk, "told", told)
    return calls


@pytest.fixture
def made(tmp_path: Path) -> tuple[App, Path]:
    one, file = flower.app(tmp_path / "app"), tmp_path / "trial.fab"
    file.write_bytes(one.data)
    return one, file


def run(*words: str, given: str = "") -> Result:
    return CliRunner().invoke(app, list(words), input=given, help_option_names=["-h", "--help"])


def shown(*words: str) -> Result:
    return CliRunner().invoke(runs, list(words), help_option_names=["-h", "--help"])


def test_a_bundle_is_written_once_with_its_digest(tmp_path: Path) -> None:
    one = flower.app(tmp_path / "app")
    out = tmp_path / "trial.fab"
    told = run("build", str(tmp_path / "app"), "--out", str(out))
    assert f"sha256:{one.digest}" in told.output
    assert out.read_bytes() == one.data
    assert isinstance(run("build", str(tmp_path / "app"), "--out", str(out)).exception, Misuse)


def test_an_app_is_handed_in_with_the_signature_beside_it(
    asked: list[Any], made: tuple[App, Path], tmp_path: Path
) -> None:
    keys.make(tmp_path / "key")
    assert "signed by sha256:" in run("sign", str(made[1]), "--key", f"file:{tmp_path}/key").output
    assert run("submit", "hub", str(made[1]), *BY).exit_code == 0
    (words, feed) = asked[0]
    sent = json.loads(feed)
    assert words == ("submit",)
    assert (sent["name"], sent["by"], "signatures" in sent["signature"]) == (
        "tests/trial", "dpo@hospital.example", True,
    )  # fmt: skip


def test_an_approval_shows_what_is_approved_and_asks(
    asked: list[Any], made: tuple[App, Path], tmp_path: Path
) -> None:
    one, file = made
    public = keys.make(tmp_path / "key")
    signed = signature.sign(one, keys.private(f"file:{tmp_path}/key"))
    file.with_name("trial.fab.sig").write_bytes(signed)
    words = ("approve", "a", one.digest, "--dataset", "lesions", "--permit", "P-1", *BY)
    more = ("--file", str(file), "--signer", str(public))
    told = run(*words, *more, given="n\n")
    assert (told.exit_code, asked) == (1, [])
    for shown in (one.digest, "tests/trial 0.1.0", "P-1, valid until 2999-12-31", "sha256:"):
        assert shown in told.output
    assert run(*words, *more, given="y\n").exit_code == 0
    sent = dict(zip(asked[0][0][2::2], asked[0][0][3::2], strict=True))
    assert sent["--signed-by"] == keys.fingerprint(keys.public(public))
    assert (sent["--dataset"], sent["--permit"], sent["--name"]) == (
        "lesions",
        "P-1",
        "tests/trial",
    )


@pytest.mark.parametrize(
    ("digest", "dataset", "permit", "kind"),
    [
        ("abc", "lesions", "P-1", Misuse),
        (64 * "a", "chests", "P-1", PlanRefused),
        (64 * "a", "lesions", "P-0", PlanRefused),
        (64 * "a", "lesions", "P-9", Misuse),
    ],
)
def test_what_cannot_be_approved_is_refused_here(
    asked: list[Any], digest: str, dataset: str, permit: str, kind: type[Exception]
) -> None:
    told = run("approve", "a", digest, "--dataset", dataset, "--permit", permit, "--yes", *BY)
    assert isinstance(told.exception, kind)
    assert asked == []


def test_other_bytes_or_another_signer_are_not_approved(
    asked: list[Any], made: tuple[App, Path], tmp_path: Path
) -> None:
    one, file = made
    words = ("--dataset", "lesions", "--permit", "P-1", "--yes", "--file", str(file), *BY)
    assert isinstance(run("approve", "a", 64 * "a", *words).exception, PlanRefused)
    keys.make(tmp_path / "key")
    other = keys.make(tmp_path / "other")
    signed = signature.sign(one, keys.private(f"file:{tmp_path}/key"))
    file.with_name("trial.fab.sig").write_bytes(signed)
    told = run("approve", "a", one.digest, *words, "--signer", str(other))
    assert isinstance(told.exception, EvidenceRefused)
    assert asked == []


def test_a_run_is_followed_to_its_results(asked: list[Any]) -> None:
    told = run("run", "hub", 64 * "a", "--set", "rounds=1", *BY)
    assert told.exit_code == 0
    assert "/var/lib/cairn-apps/results/7/model.npz" in told.output
    assert [words for words, _ in asked] == [
        ("run", 64 * "a", *BY, "--set", "rounds=1"),
        ("wait", "7", "started"),
    ]


def test_a_node_is_no_hub(asked: list[Any]) -> None:
    assert isinstance(run("run", "a", 64 * "a", *BY).exception, Misuse)


def written(*events: dict[str, Any]) -> str:
    last, lines = account.NOTHING, []
    for number, event in enumerate(events, 1):
        line = {"at": "2026-11-29T00:00:00+00:00", "number": number, "previous": last, **event}
        text = json.dumps(line, sort_keys=True, separators=(",", ":"))
        last = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        lines.append(text)
    return "".join(f"{line}\n" for line in lines)


EVENTS = (
    {"event": "approved", "app": 64 * "a", "by": "dpo@hospital.example"},
    {"event": "ended", "app": 64 * "a", "run": "7", "samples": 3, "started_by": "ops@hub.example"},
)


def test_an_account_is_shown_and_held_against_itself(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "ask", lambda *_: written(*EVENTS))
    told = shown("a").output
    assert "samples 3" in told
    assert "a: 2 lines follow one another; the last is sha256:" in told
    only = json.loads(shown("a", "--run", "7", "--format", "json").output)
    assert [line["event"] for line in only["lines"]] == ["ended"]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"samples":3', '"samples":4').replace("dpo@", "cto@"),
        lambda text: text.splitlines()[1].replace('"number":2', '"number":1'),
        lambda text: text.replace('"number":2', '"number":3'),
        lambda text: f"{text}nothing\n",
    ],
)
def test_an_account_that_was_changed_is_a_finding(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str]
) -> None:
    monkeypatch.setattr(desk, "ask", lambda *_: change(written(*EVENTS)))
    assert isinstance(shown("a").exception, EvidenceRefused)
