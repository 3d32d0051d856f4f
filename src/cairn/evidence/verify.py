"""Whether a report is what somebody signed, whole and in order: off-line, with a public key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from cairn.errors import EvidenceRefused
from cairn.evidence import archive, canonical, places, statement
from cairn.evidence.model import Report
from cairn.spec.digest import digest_of

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from cairn.evidence.statement import Statement

#: How far the clock of the reader may be behind that of the writer.
SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Proven:
    """A report that holds: where it stands, what it says, and the digest of its `report.json`."""

    folder: Path
    report: Report
    digest: str


def report(folder: Path, key: Ed25519PublicKey, *, now: datetime | None = None) -> Proven:
    """Verify one report in its folder.

    Raises:
        EvidenceRefused: It is not signed, or by another key; a file was altered, cut short,
            removed or added; or it does not agree with itself.
    """
    file = folder / places.STATEMENT
    if not file.exists():
        raise EvidenceRefused(
            f"{folder}: has no {places.STATEMENT}; it is not signed, and nothing proves where it "
            "comes from"
        )
    signed = statement.verify(places.read(file), key, file)
    files = _files(folder, signed)
    made = read(files[places.REPORT], folder / places.REPORT)
    _refuse_disagreement(made, signed, folder)
    texts = archive.unpack(files["evidence.zip"], folder / "evidence.zip")
    archive.refuse_differences(made.answers, texts, folder / "evidence.zip")
    _refuse_times(made, folder, now or datetime.now(UTC))
    return Proven(folder, made, digest_of(files[places.REPORT]))


def read(data: bytes, file: Path) -> Report:
    """Read a report, signed or not, that has to be in the canonical form.

    Raises:
        EvidenceRefused: It is cut short, altered, of another version, or does not add up.
    """
    canonical.decode(data, file)
    return glance(data, file)


def glance(data: bytes, file: Path) -> Report:
    """Read a report whatever the form of its JSON, in a seventh of the time; errors as `read`."""
    try:
        return Report.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise EvidenceRefused(
            f"{file}: is no report of Cairn: {where + ': ' if where else ''}{first['msg']}"
        ) from None


def _files(folder: Path, signed: Statement) -> dict[str, bytes]:
    """Return the bytes of every signed file; refuse what is missing, altered or not signed."""
    wanted = {
        name: digest
        for name, digest in signed.digests().items()
        if not name.startswith(statement.POLICY)
    }
    there = {one.name for one in folder.iterdir()} - {places.STATEMENT}
    for name in sorted(there - set(wanted)):
        raise EvidenceRefused(f"{folder / name}: is not signed; it does not belong to this report")
    for name in ("evidence.zip", "plan.json", places.REPORT, "spec.yaml"):
        if name not in wanted:
            raise EvidenceRefused(f"{folder}: the statement says nothing about {name}")
    files = {}
    for name, digest in wanted.items():
        if name not in there:
            raise EvidenceRefused(f"{folder / name}: was signed and is missing")
        files[name] = places.read(folder / name)
        if digest_of(files[name]) != digest:
            raise EvidenceRefused(
                f"{folder / name}: is not the file that was signed; it was altered or cut short"
            )
    return files


def _refuse_disagreement(made: Report, signed: Statement, folder: Path) -> None:
    """Compare what the statement says with what the report says."""
    digests = signed.digests()
    basis = made.basis
    pairs = {
        "node": (signed.predicate.node, made.node.name),
        "number": (signed.predicate.number, made.number),
        "date": (signed.predicate.made_at, made.made_at),
        "previous report": (signed.predicate.previous, made.previous),
        "spec": (digests["spec.yaml"], basis.spec),
        "plan": (digests["plan.json"], basis.plan),
        "evidence": (digests["evidence.zip"], basis.evidence),
        **{
            f"policies {one.name}": (
                digests.get(f"{statement.POLICY}{one.name}@{one.version}"), one.digest
            )
            for one in basis.policies
        },
    }  # fmt: skip
    for name, (said, found) in pairs.items():
        if said != found:
            raise EvidenceRefused(
                f"{folder}: statement and report do not agree about {name}: {said} and {found}"
            )


def _refuse_times(made: Report, folder: Path, now: datetime) -> None:
    """Refuse a report of tomorrow, and answers that were not given while it was made."""
    started, ended = moment(made.started_at), moment(made.made_at)
    if ended > now + SKEW:
        raise EvidenceRefused(f"{folder}: is dated {made.made_at}, which is in the future")
    second = timedelta(seconds=1)
    for one in made.answers:
        if not started <= moment(one.at) <= ended + second:
            raise EvidenceRefused(
                f"{folder}: answer {one.number} was given at {one.at}, not between "
                f"{made.started_at} and {made.made_at}"
            )


def moment(text: str) -> datetime:
    """Return a time of a report; EvidenceRefused if it is none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise EvidenceRefused(f"`{text}` is no time in UTC (RFC 3339)") from None
