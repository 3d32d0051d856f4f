"""What trainings brought, as a table and as data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    def model(kind: str, learned: list[str], auc: float | None) -> dict[str, object]:
        figures = {"images": 47, "sick": 20, "auc": auc, "accuracy": 0.9}
        return {"kind": kind, "learned_from": learned, "by_site": {"a": figures}, "pooled": figures}

    models = [model("federated", ["a", "b"], 0.998), model("single", ["a"], None)]
    told = {"format": "cairn-results/1", "settings": {"privacy": "secagg"}, "models": models}
    (tmp_path / "metrics.json").write_text(json.dumps(told))
    return tmp_path


def test_each_model_is_a_line(run: Run, folder: Path) -> None:
    lines = run("results", str(folder)).stdout.splitlines()
    assert " ".join(lines[0].split()) == (
        "model learned from AUC a AUC all accuracy images privacy"
    )
    assert lines[1].split() == ["single", "a", "-", "-", "0.900", "47", "secagg"]
    assert lines[2].split() == ["federated", "a,", "b", "0.998", "0.998", "0.900", "47", "secagg"]


def test_a_program_reads_the_same(run: Run, folder: Path) -> None:
    models = json.loads(run("results", str(folder), "--format", "json").stdout)["models"]
    assert [one["kind"] for one in models] == ["single", "federated"]
    assert models[1]["pooled"]["auc"] == 0.998


def test_a_folder_without_a_result_ends_in_a_sentence(run: Run, tmp_path: Path) -> None:
    result = run("results", str(tmp_path))
    assert result.exit_code == 2
    assert "has no metrics.json" in result.stderr
