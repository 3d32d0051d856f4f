"""The direction of imports, as docs/adr/0001 promises it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "cairn").rglob("*.py"))
#: The program of the role `intake`, which runs on hosts that have no `cairn`.
INTAKE = sorted((ROOT / "roles" / "intake" / "files" / "cairn_intake").glob("*.py"))
#: What runs in a node's cell, on the agent's wheels alone.
APPLICATIONS = sorted((ROOT / "federation" / "apps").glob("*/*/*.py"))

#: Each package with what it may import of ours, besides itself, `errors`, `house` and the version.
ALLOWED = {
    "errors": set(),
    "house": set(),
    "spec": set(),
    "artefacts": set(),
    "plan": {"artefacts", "spec"},
    "render": {"plan", "spec"},
    "checks": {"render", "plan", "spec"},
    "ansible": {"render", "plan", "spec"},
    "sandbox": {"plan", "spec"},
    "provider": {"ansible", "artefacts", "sandbox", "checks", "render", "plan", "spec"},
    "stack": {"provider", "ansible", "sandbox", "checks", "render", "plan", "spec"},
    "policy_pack": {"stack", "checks", "render", "plan", "spec"},
    "apps": {"evidence", "provider", "ansible", "stack", "spec"},
    "datasets": {"provider", "ansible", "stack", "spec"},
    "federation": {"evidence", "provider", "ansible", "stack", "plan", "spec"},
    "evidence": {"checks", "render", "plan", "spec"},
    "cli": {
        "apps",
        "artefacts",
        "federation",
        "datasets",
        "evidence",
        "stack",
        "sandbox",
        "checks",
        "render",
        "plan",
        "spec",
    },
}


def package_of(path: Path) -> str:
    return path.relative_to(ROOT / "src" / "cairn").parts[0].removesuffix(".py")


def imported_modules(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    package = package_of(path)
    if package == "__init__":
        return
    free = {package, "errors", "house", "__version__"}
    reached = {name.split(".")[1] for name in imported_modules(path) if name.startswith("cairn.")}
    assert reached - free <= ALLOWED[package], f"{path} reaches upward"


def test_pulumi_is_imported_only_where_it_belongs() -> None:
    users = {
        package_of(path)
        for path in SOURCES
        if any(name.split(".")[0] in {"pulumi", "pulumi_policy"} for name in imported_modules(path))
    }
    assert users <= {"provider", "policy_pack"}


def test_every_package_has_its_rule() -> None:
    assert {package_of(path) for path in SOURCES} - {"__init__"} <= set(ALLOWED)


@pytest.mark.parametrize("path", INTAKE, ids=lambda path: path.name)
def test_what_is_installed_on_a_node_stands_alone(path: Path) -> None:
    reached = {name.split(".")[0] for name in imported_modules(path)}
    assert reached <= {*sys.stdlib_module_names, "cairn_intake", "pydicom", "pynetdicom"}


@pytest.mark.parametrize("path", APPLICATIONS, ids=lambda path: path.name)
def test_an_application_of_the_federation_stands_alone(path: Path) -> None:
    reached = {name.split(".")[0] for name in imported_modules(path)}
    own = {path.parent.name, "numpy", "pydicom", "cryptography"}
    under_flower = {"flwr"} if path.name in {"client_app.py", "server_app.py"} else set()
    assert reached <= {*sys.stdlib_module_names, *own, *under_flower}
