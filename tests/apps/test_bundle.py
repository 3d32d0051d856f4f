"""An app is bytes: the same files give the same ones, and a changed byte is another app."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from approval import flower
from cairn.apps import bundle, signature
from cairn.errors import EvidenceRefused, Misuse
from cairn.evidence import keys

if TYPE_CHECKING:
    from pathlib import Path


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = flower.app(tmp_path / "a"), flower.app(tmp_path / "b")
    assert one == two
    assert one.title == "tests/trial 0.1.0"
    assert flower.app(tmp_path / "c", "pass").digest != one.digest


def test_what_is_no_part_of_an_app_is_left_out(tmp_path: Path) -> None:
    made = flower.app(tmp_path)
    for name in (
        "trial/test_it.py",
        ".git/x.py",
        "build/x.py",
        "image.dcm",
        "trial/__pycache__/x.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert bundle.build(tmp_path) == made


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("trial/client_app.py", b"import os", "has other bytes than it lists"),
        ("trial/more.py", b"", "holds other files than it lists"),
        ("pyproject.toml", b"[project]", "has other bytes than it lists"),
    ],
)
def test_a_changed_bundle_is_none(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    made = flower.app(tmp_path)
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made.data)) as old, zipfile.ZipFile(changed, "w") as new:
        for one in old.namelist():
            if one != name:
                new.writestr(one, old.read(one))
        new.writestr(name, data)
    with pytest.raises(Misuse, match=why):
        bundle.read(changed.getvalue(), "it")


def test_what_is_no_app_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="name the folder of a Flower app"):
        bundle.build(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    with pytest.raises(Misuse, match="which a Flower app needs"):
        bundle.build(tmp_path)
    with pytest.raises(Misuse, match="is no Flower app"):
        bundle.read(b"PK", "it")


def test_a_signature_is_for_these_bytes_and_by_this_key(tmp_path: Path) -> None:
    app, file = flower.app(tmp_path / "app"), tmp_path / "app.fab.sig"
    public = keys.public(keys.make(tmp_path / "key"))
    other = keys.public(keys.make(tmp_path / "other"))
    signed = signature.sign(app, keys.private(f"file:{tmp_path / 'key'}"))
    assert signature.verify(app, signed, public, file) == keys.fingerprint(public)
    with pytest.raises(EvidenceRefused, match="signed by another key"):
        signature.verify(app, signed, other, file)
    with pytest.raises(EvidenceRefused, match="is the signature of another app"):
        signature.verify(flower.app(tmp_path / "b", "pass"), signed, public, file)
