"""The raw answers of hosts as one archive that opens anywhere: `evidence.zip`.

It holds each answer as a text file of its own, so that `unzip` and `sha256sum` are enough to look
at what a verdict rests on. Members carry no time of their own; the report has the times.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import TYPE_CHECKING

from cairn.errors import EvidenceRefused
from cairn.evidence.parts import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cairn.checks.verdicts import Evidence

#: Most bytes of text in one archive. A host answers about 0.5 MB to today's catalogue; single
#: answers are cut by `EvidenceHost.LONGEST` before.
LARGEST = 32 * 1024 * 1024
#: The time of every member: the earliest that the format knows (APPNOTE.TXT 4.4.6).
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def number(evidence: Iterable[Evidence]) -> tuple[tuple[Answer, ...], dict[str, bytes]]:
    """Give each answer its number, and its file as long as there is room.

    Returns:
        The answers as a report lists them, and the bytes of each file by name.
    """
    answers: list[Answer] = []
    files: dict[str, bytes] = {}
    room = LARGEST
    for count, one in enumerate(evidence, start=1):
        text = one.answer.encode()
        fits = len(text) <= room
        name = f"{count:05}-{one.host}.txt" if fits else ""
        if fits:
            room -= len(text)
            files[name] = text
        answers.append(
            Answer(
                number=count,
                host=one.host,
                command=one.command,
                status=one.status,
                at=one.at,
                milliseconds=round(one.seconds * 1000),
                sha256=one.sha256,
                file=name,
                cut=not fits or hashlib.sha256(text).hexdigest() != one.sha256,
            )
        )
    return tuple(answers), files


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return the archive of these files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in sorted(files.items()):
            member = zipfile.ZipInfo(name, _NO_TIME)
            member.external_attr = 0o600 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content, compresslevel=9)
    return made.getvalue()


def unpack(data: bytes, file: Path) -> dict[str, bytes]:
    """Return the files of an archive.

    Raises:
        EvidenceRefused: It is none, is damaged, or holds more than an archive may.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise EvidenceRefused(f"{file}: holds more than {LARGEST} bytes of answers")
            return {member.filename: archive.read(member) for member in archive.infolist()}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError) as error:
        raise EvidenceRefused(f"{file}: is damaged; it was cut short or altered") from error


def refuse_differences(answers: Iterable[Answer], files: Mapping[str, bytes], file: Path) -> None:
    """Compare an archive with what its report says about it.

    Raises:
        EvidenceRefused: An answer is missing, is another one, or belongs to nothing.
    """
    listed = {one.file: one for one in answers if one.file}
    if listed.keys() != files.keys():
        odd = min(listed.keys() ^ files.keys())
        raise EvidenceRefused(f"{file}: `{odd}` is in only one of archive and report")
    for name, one in listed.items():
        if not one.cut and hashlib.sha256(files[name]).hexdigest() != one.sha256:
            raise EvidenceRefused(f"{file}: `{name}` is not the answer that the report speaks of")
