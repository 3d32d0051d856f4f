"""The archive holds what the hosts answered, and says where it holds less."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cairn.checks.host import EvidenceHost
from cairn.checks.verdicts import Evidence
from cairn.errors import EvidenceRefused
from cairn.evidence import archive
from policies.answering import PLANNED, Answering

if TYPE_CHECKING:
    from cairn.evidence.build import Made


PATH = Path("evidence.zip")


def evidence(text: str, *, cut: bool = False) -> Evidence:
    whole = text + "more" if cut else text
    digest = hashlib.sha256(whole.encode()).hexdigest()
    return Evidence("imaging-1", "cat /etc/issue", 0, text, digest, "2026-11-22T06:30:05Z", 0.1)


def test_unzip_and_sha256sum_find_each_answer(made: Made, tmp_path: Path) -> None:
    (tmp_path / "evidence.zip").write_bytes(made.files["evidence.zip"])
    with zipfile.ZipFile(tmp_path / "evidence.zip") as packed:
        packed.extractall(tmp_path)
    whole = [one for one in made.report.answers if not one.cut]
    sums = "".join(f"{one.sha256}  {one.file}\n" for one in whole)
    done = subprocess.run(
        ["/usr/bin/sha256sum", "--check", "--quiet"], input=sums, cwd=tmp_path, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert len(whole) > 60
    assert (done.returncode, done.stdout) == (0, "")


def test_an_answer_that_was_cut_is_marked() -> None:
    answers, files = archive.number([evidence("short"), evidence("long", cut=True)])
    assert [one.cut for one in answers] == [False, True]
    archive.refuse_differences(answers, files, PATH)


def test_the_archive_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST", 10)
    answers, files = archive.number([evidence("123456"), evidence("789012"), evidence("3")])
    assert [one.file for one in answers] == ["00001-imaging-1.txt", "", "00003-imaging-1.txt"]
    assert [one.cut for one in answers] == [False, True, False]
    assert sum(map(len, files.values())) <= 10


def test_a_secret_is_masked_before_it_is_kept() -> None:
    shell = Answering([{"answer": [0, "password=hunter2 in a file\n"]}])
    host = EvidenceHost(PLANNED, {}, shell)
    host.run("cat /etc/secret")
    _, files = archive.number(host.evidence)
    (text,) = files.values()
    assert b"hunter2" not in archive.pack(files)
    assert b"[masked]" in text


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_an_archive_that_was_cut_short_is_refused(made: Made, cut: int) -> None:
    with pytest.raises(EvidenceRefused, match="cut short or altered"):
        archive.unpack(made.files["evidence.zip"][:-cut], PATH)


def test_an_archive_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = archive.pack({"00001-a.txt": b"0" * 1000})
    monkeypatch.setattr(archive, "LARGEST", 999)
    with pytest.raises(EvidenceRefused, match="holds more than"):
        archive.unpack(packed, PATH)


@pytest.mark.parametrize("fault", ["missing", "another", "more"])
def test_an_archive_of_other_answers_is_refused(made: Made, fault: str) -> None:
    files = archive.unpack(made.files["evidence.zip"], PATH)
    name = next(iter(files))
    if fault == "missing":
        del files[name]
    else:
        files["99999-x.txt" if fault == "more" else name] = b"all is well\n"
    with pytest.raises(EvidenceRefused, match=r"evidence\.zip"):
        archive.refuse_differences(made.report.answers, files, PATH)
