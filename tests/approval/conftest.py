"""What runs on the host, made importable here, and a Python that has Flower."""

from __future__ import annotations

import os
import sys

import pytest

from approval.flower import Trial, flower_python, trial
from cairn import house

for role in ("account", "approval", "freeze", "hub_apps"):
    sys.path.insert(0, str(house.root() / "roles" / role / "files"))


@pytest.fixture(autouse=True)
def _as_root() -> None:
    """Skip where the caller is not root: only a list of apps that is root's counts."""
    if os.geteuid() != 0:
        pytest.skip("only root's list of approved apps counts; run `sudo make test`")


@pytest.fixture(scope="session")
def python() -> str:
    """Return a Python with Flower as the hosts have it."""
    return flower_python()


@pytest.fixture(scope="module")
def desk(python: str, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Return what runs tasks as the host does, without one."""
    return trial(python, tmp_path_factory.mktemp("node"))
