"""One spec, one node, or a whole folder: what is there is loaded, what is wrong is named."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cairn import house
from cairn.errors import InvalidSpec, Misuse
from cairn.spec.hosts import ExistingMachine
from cairn.spec.loader import load, load_all, load_node

if TYPE_CHECKING:
    from tests.spec.conftest import Declare

ELSEWHERE = ("10.20.0.12", "10.20.0.13")


def test_a_document_holds_the_node_and_where_it_came_from(declare: Declare) -> None:
    path = declare()

    document = load(path)

    assert document.path == path
    assert document.digest == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert document.spec.kind == "data-provider"
    assert document.spec.hosts[0].machine == ExistingMachine(existing="10.20.0.12")
    assert document.spec.storage is not None
    assert document.spec.storage.size == 4 * 1024**4
    assert document.anchors == {}


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(declare: Declare) -> None:
    plain = load(declare()).spec
    text = declare().read_text(encoding="utf-8")

    windows = load(declare(text=b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())).spec

    assert windows == plain


def test_the_country_no_is_norway(declare: Declare) -> None:
    assert load(declare(("country: ES", "country: NO"))).spec.site.country == "NO"


def test_a_loaded_node_cannot_be_changed(declare: Declare) -> None:
    spec = load(declare()).spec

    with pytest.raises(ValueError, match="frozen"):
        spec.stage = "production"


def test_a_node_is_found_by_name(declare: Declare) -> None:
    assert load_node("la-fe", folder=declare().parent).spec.name == "la-fe"


def test_a_mistyped_node_is_recognised(declare: Declare) -> None:
    folder = declare().parent

    with pytest.raises(Misuse, match=re.escape("; did you mean `la-fe`?")) as caught:
        load_node("lafe", folder=folder)

    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["zzz", "../la-fe", "/etc/passwd", "", "la-fe.yaml/.."])
def test_a_node_that_is_not_there_is_no_traceback(declare: Declare, name: str) -> None:
    with pytest.raises(Misuse, match="there is no node of that name"):
        load_node(name, folder=declare().parent)


def test_an_empty_folder_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="`cairn new` makes one"):
        load_node("la-fe", folder=tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="there is no folder"):
        load_all(tmp_path / "none")


def test_nodes_are_looked_for_in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(house.root())

    assert str(load_node("demo-hub").path) == "nodes/demo-hub.yaml"


def test_a_folder_is_loaded_by_name(declare: Declare) -> None:
    declare(("name: la-fe", "name: aurora"), ELSEWHERE, name="aurora")
    folder = declare().parent

    assert [document.spec.name for document in load_all(folder)] == ["aurora", "la-fe"]


def test_a_folder_names_the_problems_of_all_files(declare: Declare) -> None:
    declare(("name: la-fe", "name: aurora"), ELSEWHERE, ("debian-13", "debian-9"), name="aurora")
    declare(("country: ES", "country: es"))
    folder = declare(text="- a\n", name="zeta").parent

    with pytest.raises(InvalidSpec) as caught:
        load_all(folder)

    assert [Path(problem.file).stem for problem in caught.value.problems] == [
        "aurora",
        "la-fe",
        "zeta",
    ]


def test_one_address_is_one_host_in_a_whole_folder(declare: Declare) -> None:
    declare(("name: la-fe", "name: aurora"), name="aurora")
    folder = declare().parent

    with pytest.raises(InvalidSpec) as caught:
        load_all(folder)

    assert str(caught.value) == (
        f"{folder}/la-fe.yaml:17:25: hosts.imaging-1.machine.existing: {folder}/aurora.yaml has "
        "this address too; a machine is one host"
    )


def test_a_file_that_looks_like_a_spec_is_not_passed_over(declare: Declare) -> None:
    path = declare()
    path.rename(path.with_suffix(".yml"))

    with pytest.raises(InvalidSpec) as caught:
        load_all(path.parent)

    assert caught.value.problems[0].message == "the name of a spec ends in `.yaml`; rename it"


def test_a_broken_federation_file_is_named_once_for_all_its_nodes(declare: Declare) -> None:
    file = declare().parent / "demo.federation.json"
    file.write_text('{"name": "demo"}')
    pin = f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    text = file.with_name("la-fe.yaml").read_text()
    text = re.sub(r"sha256:[0-9a-f]{64}", pin, text)
    for name, address in (("la-fe", "10.20.0.12"), ("aurora", "10.20.0.13")):
        edited = text.replace("name: la-fe", f"name: {name}").replace("10.20.0.12", address)
        file.with_name(f"{name}.yaml").write_text(edited)

    with pytest.raises(InvalidSpec) as caught:
        load_all(file.parent)

    wheres = [problem.where for problem in caught.value.problems]
    assert wheres == sorted(set(wheres))
    assert {Path(problem.file).name for problem in caught.value.problems} == {file.name}
