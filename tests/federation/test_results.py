"""Results of trainings as rows of one table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cairn.errors import Misuse
from cairn.federation.results import rows, sites

if TYPE_CHECKING:
    from pathlib import Path


def figures(auc: float | None) -> dict[str, Any]:
    return {"images": 20, "sick": 8, "auc": auc, "accuracy": 0.8}


def model(kind: str, *learned: str, auc: float | None = 0.9) -> dict[str, Any]:
    by_site = {"a": figures(auc), "b": figures(None)}
    return {"kind": kind, "learned_from": learned, "by_site": by_site, "pooled": figures(auc)}


def result(folder: Path, *models: dict[str, Any], **other: Any) -> Path:  # noqa: ANN401
    folder.mkdir(parents=True)
    told = {"format": "cairn-results/1", "settings": {"privacy": "none"}, "models": models, **other}
    (folder / "metrics.json").write_text(json.dumps(told))
    return folder


def test_single_sites_come_before_all_together(tmp_path: Path) -> None:
    central = result(tmp_path / "c", model("central", "a+b"))
    ours = result(tmp_path / "f", model("federated", "a", "b"), model("single", "b"))
    table = rows([central, ours])
    assert [row.kind for row in table] == ["single", "federated", "central"]
    assert table[1].learned_from == ("a", "b")
    assert sites(table) == ["a", "b"]


def test_the_one_run_below_a_folder_is_found(tmp_path: Path) -> None:
    result(tmp_path / "runs" / "17", model("federated", "a", "b"))
    assert len(rows([tmp_path / "runs"])) == 1


def test_a_share_of_nothing_is_none(tmp_path: Path) -> None:
    (row,) = rows([result(tmp_path / "f", model("single", "a", auc=None))])
    assert row.pooled.auc is None
    assert row.by_site["b"].auc is None


def test_a_model_that_nobody_tested_is_left_out(tmp_path: Path) -> None:
    untested = {**model("single", "a"), "pooled": None}
    assert rows([result(tmp_path / "f", untested)]) == []


def test_a_folder_without_a_result_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"has no metrics\.json"):
        rows([tmp_path])


def test_two_runs_below_a_folder_are_not_guessed_between(tmp_path: Path) -> None:
    for run in ("1", "2"):
        result(tmp_path / "runs" / run, model("single", "a"))
    with pytest.raises(Misuse, match="name the folder of one run"):
        rows([tmp_path / "runs"])


@pytest.mark.parametrize(
    "other", [{"format": "cairn-results/9"}, {"models": [{}]}, {"models": [model("magic", "a")]}]
)
def test_what_is_no_result_is_refused(tmp_path: Path, other: dict[str, Any]) -> None:
    with pytest.raises(Misuse):
        rows([result(tmp_path / "f", **other)])


def test_text_that_is_no_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text("[")
    with pytest.raises(Misuse, match="cannot be read as a result"):
        rows([tmp_path])
