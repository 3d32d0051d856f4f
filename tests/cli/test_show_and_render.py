"""The plan and its files can be read in every form, without a host being asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cairn import house

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]

EXAMPLES = sorted(path.stem for path in (house.root() / "nodes").glob("*.yaml"))


def test_show_tells_hosts_roles_and_flows(run: Run, lyon: Path) -> None:
    shown = run("show", "lyon").stdout
    assert shown.startswith("lyon   data-provider, staging\nExample Hospital, Lyon (FR)\n")
    assert "imaging-1   debian-13   10.20.0.12" in shown
    assert "base, trust, firewall" in shown
    assert "tcp 22" in shown


def test_show_prints_the_whole_plan_as_json(run: Run, lyon: Path) -> None:
    plan = json.loads(run("show", "lyon", "--format", "json").stdout)
    (host,) = plan["hosts"]
    assert plan["node"] == "lyon"
    assert [role["name"] for role in host["roles"]] == ["base", "trust", "firewall"]
    assert all(flow["why"] for role in host["roles"] for flow in role["flows"])


@pytest.mark.parametrize(("form", "start"), [("mermaid", "flowchart LR\n"), ("svg", "<svg ")])
def test_show_draws(run: Run, lyon: Path, form: str, start: str) -> None:
    assert run("show", "lyon", "--format", form).stdout.startswith(start)


def test_render_prints_each_file_with_where_it_goes(run: Run, lyon: Path) -> None:
    shown = run("render", "lyon").stdout
    assert "==> imaging-1:/etc/cairn/nftables.conf  " in shown
    assert "table inet cairn" in shown


def test_render_writes_the_same_tree_every_time(run: Run, lyon: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run("render", "lyon", "--to", str(tmp_path / name)).exit_code == 0
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in files(tmp_path / name)}
        for name in ("one", "two")
    )
    assert one == two
    assert len(one) > 5


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_render_tells_a_program_digest_and_content(run: Run, lyon: Path) -> None:
    answer = json.loads(run("render", "lyon", "--format", "json").stdout)
    first = answer["files"][0]
    assert first["host"] == "imaging-1"
    assert first["digest"].startswith("sha256:")
    assert first["content"].endswith("\n")


def test_render_of_an_unknown_host_names_the_known_ones(run: Run, lyon: Path) -> None:
    result = run("render", "lyon", "--host", "archive")
    assert result.exit_code == 2
    assert "lyon has no host `archive`; known are `imaging-1`" in result.stderr


def test_render_into_a_folder_of_somebody_else_changes_nothing(
    run: Run, lyon: Path, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "file").write_text("keep")
    result = run("render", "lyon", "--to", str(theirs))
    assert result.exit_code == 2
    assert [path.name for path in theirs.iterdir()] == ["file"]


@pytest.mark.parametrize("verb", ["show", "render"])
def test_a_spec_that_does_not_load_is_told_with_its_place(run: Run, lyon: Path, verb: str) -> None:
    lyon.write_text(lyon.read_text().replace("os: debian-13", "os: debian-9"))
    result = run(verb, "lyon")
    assert result.exit_code == 2
    assert "hosts.imaging-1.os" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("node", EXAMPLES)
def test_every_example_is_data_for_a_program(node: str, run: Run) -> None:
    plan = json.loads(run("show", node, "--format", "json").stdout)
    assert plan["node"] == node
