"""Base images: where from, when made anew, and what a failure leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cairn.errors import SandboxError
from cairn.sandbox import commands, image

if TYPE_CHECKING:
    from pathlib import Path

MIRROR = "http://mirror.example/debian"
OFFICIAL = ("http://deb.debian.org/debian", "http://deb.debian.org/debian-security")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], OFFICIAL),
        ([f"deb {MIRROR} bookworm main"], (MIRROR, OFFICIAL[1])),
        (
            [
                "URIs: https://mirror.example/debian/",
                "URIs: https://mirror.example/debian-security",
            ],
            ("https://mirror.example/debian", "https://mirror.example/debian-security"),
        ),
        (["# deb http://old.example/debian bookworm main"], OFFICIAL),
        (["deb https://packages.example/apt stable main"], OFFICIAL),
        ([f"deb [arch=amd64] {MIRROR} trixie main"], (MIRROR, OFFICIAL[1])),
        (["deb cdrom:[Debian]/ trixie main", "deb file:/srv/debian trixie main"], OFFICIAL),
    ],
)
def test_the_mirror_of_the_computer_is_used(lines: list[str], expected: tuple[str, str]) -> None:
    assert image.mirrors(lines) == expected


def test_an_unknown_system_is_refused_with_those_there_are() -> None:
    with pytest.raises(SandboxError, match="`debian-9` cannot be a sandbox host; use debian-13"):
        image.of_system("debian-9")


def test_a_changed_recipe_is_another_image() -> None:
    one, two = image.of_system("debian-13"), image.of_system("debian-12")
    assert one.place != two.place
    assert one.place == image.of_system("debian-13").place


def test_a_failed_image_leaves_nothing_and_says_what_to_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    programs = tmp_path / "bin"
    programs.mkdir()
    broken = programs / "mmdebstrap"
    broken.write_text(
        "#!/bin/sh\necho 'I: starting...' >&2\necho 'E: no such mirror' >&2\nexit 1\n"
    )
    broken.chmod(0o755)
    monkeypatch.setattr(commands, "_PATH", f"{programs}:/usr/bin:/bin")
    said: list[str] = []
    with pytest.raises(SandboxError, match=r"could not be made: E: no such mirror; check that"):
        image.ensure(image.of_system("debian-13"), said.append)
    assert said[-1] == "base image of debian-13: starting (0 s)"
    assert [file.name for file in (tmp_path / "cairn" / "base").glob("trixie*")] == []
