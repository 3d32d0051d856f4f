"""What a new host is given of the computer's own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn.sandbox import furnishing

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_resolvers_that_only_the_computer_reaches_are_left_out() -> None:
    lines = ["# made by hand", "nameserver 127.0.0.53", "nameserver 192.0.2.53", "nameserver ::1"]
    assert furnishing.nameservers(lines) == ["192.0.2.53"]


def test_behind_a_stub_resolver_the_real_ones_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub, real = tmp_path / "stub.conf", tmp_path / "real.conf"
    stub.write_text("nameserver 127.0.0.53\noptions edns0\n")
    real.write_text("nameserver 192.0.2.53\nsearch hospital.example\n")
    monkeypatch.setattr(furnishing, "_RESOLVER_FILES", (stub, real))
    assert furnishing.resolver_lines() == ["search hospital.example", "nameserver 192.0.2.53"]


def test_no_usable_resolver_is_said_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(furnishing, "_RESOLVER_FILES", (tmp_path / "missing",))
    [line] = furnishing.resolver_lines()
    assert line.startswith("# ")
