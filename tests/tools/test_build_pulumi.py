"""The build of the Pulumi CLI: whole or not at all, once however many ask for it."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Checkout

#: Answers as Go does; `build` takes the time in $SECONDS_TO_BUILD and writes what says its version.
GO = r"""
case "$1 ${2:-}" in
"env GOVERSION") echo "${GO_VERSION:-go1.26.8}" ;;
"env "*) echo "$HOME/go" ;;
"list -m") echo "$HOME/sdk" ;;
"build "*)
    echo build >>"$HOME/builds"
    sleep "${SECONDS_TO_BUILD:-0}"
    [ -z "${BUILD_FAILS:-}" ] || { echo "no space left on device"; exit 1; }
    while [ "$1" != -o ]; do shift; done
    printf '#!/bin/sh\necho v%s\n' "$VERSION" >"$2"
    chmod 0755 "$2" ;;
esac
"""


@pytest.fixture
def folder(checkout: Checkout) -> Path:
    checkout.pretend("go", GO)
    scripts = checkout.root / "home" / "sdk" / "python" / "cmd"
    scripts.mkdir(parents=True)
    (scripts / "pulumi-language-python-exec").write_text("#!/usr/bin/env python3\n")
    _, version = checkout.run("tools/build-pulumi", "--version")
    checkout.variables["VERSION"] = version.strip()
    return checkout.root / "home" / "cache" / "pulumi"


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.parent.iterdir() if not path.name.endswith(".lock")]


def builds(checkout: Checkout) -> int:
    return len((checkout.root / "home" / "builds").read_text().splitlines())


def test_all_three_programs_are_there_and_can_be_run(checkout: Checkout, folder: Path) -> None:
    code, said = checkout.run("tools/build-pulumi", str(folder))
    assert code == 0, said
    programs = {path.name for path in (folder / "bin").iterdir() if os.access(path, os.X_OK)}
    assert programs == {"pulumi", "pulumi-language-python", "pulumi-language-python-exec"}
    assert leftovers(folder) == ["pulumi"]


def test_the_estimate_and_the_end_are_said(checkout: Checkout, folder: Path) -> None:
    _, said = checkout.run("tools/build-pulumi", str(folder))
    assert "minutes on" in said
    assert "Built the Pulumi CLI v" in said


def test_what_is_built_is_not_built_again(checkout: Checkout, folder: Path) -> None:
    checkout.run("tools/build-pulumi", str(folder))
    first = builds(checkout)
    code, said = checkout.run("tools/build-pulumi", str(folder))
    assert (code, said) == (0, "")
    assert builds(checkout) == first


def test_two_at_once_build_once(checkout: Checkout, folder: Path) -> None:
    checkout.variables["SECONDS_TO_BUILD"] = "1"
    both = [checkout.start("tools/build-pulumi", str(folder)) for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert builds(checkout) == 2  # the CLI and the language host, each once
    assert sum("waiting for it" in text for text in said) == 1


def test_a_failed_build_leaves_nothing_and_says_why(checkout: Checkout, folder: Path) -> None:
    checkout.variables["BUILD_FAILS"] = "yes"
    code, said = checkout.run("tools/build-pulumi", str(folder))
    assert code == 1
    assert "building pulumi failed: " in said
    assert "no space left on device" in said
    assert leftovers(folder) == []


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_build_leaves_nothing(checkout: Checkout, folder: Path, sent: int) -> None:
    checkout.variables["SECONDS_TO_BUILD"] = "30"
    process = checkout.start("tools/build-pulumi", str(folder))
    deadline = time.monotonic() + 20
    while not (checkout.root / "home" / "builds").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(sent)
    process.communicate(timeout=20)  # ends only when nothing holds its output open any more
    assert process.returncode != 0
    assert leftovers(folder) == []


def test_without_go_both_ways_out_are_named(checkout: Checkout, folder: Path) -> None:
    (checkout.programs / "go").unlink()
    code, said = checkout.run("tools/build-pulumi", str(folder))
    assert code == 1
    assert "install Go 1.24 or newer" in said
    assert "or the Pulumi CLI itself" in said


def test_an_old_go_is_refused_before_anything_is_made(checkout: Checkout, folder: Path) -> None:
    checkout.variables["GO_VERSION"] = "go1.19.8"
    code, said = checkout.run("tools/build-pulumi", str(folder))
    assert code == 1
    assert "Go 1.19.8 is too old" in said
    assert leftovers(folder) == []
