"""What is signed: an in-toto statement that names every file of a report by its digest.

In-toto Attestation Framework, Statement v1; in a DSSE envelope 1.0 with an Ed25519 signature.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field

from cairn.errors import EvidenceRefused
from cairn.evidence import envelope
from cairn.evidence.parts import Part, Previous, Second

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from cairn.evidence.keys import SigningKey
    from cairn.evidence.model import Report

STATEMENT_TYPE: Literal["https://in-toto.io/Statement/v1"] = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Literal["urn:cairn:node-report:1"] = "urn:cairn:node-report:1"
#: How the subject that stands for a policy bundle begins; it is no file of the report.
POLICY = "policies/"


class Digests(Part):
    """The digest of a subject."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Subject(Part):
    """A file of the report, or a policy bundle (`policies/NAME@VERSION`)."""

    name: str
    digest: Digests


class Predicate(Part):
    """What is said about the subjects: whose report this is, and which one came before."""

    node: str
    number: Annotated[int, Field(ge=1)]
    made_at: Second
    previous: Previous | None


class Statement(Part):
    """An in-toto statement about one report."""

    model_config = ConfigDict(populate_by_name=True)

    type: Annotated[Literal["https://in-toto.io/Statement/v1"], Field(alias="_type")]
    subject: tuple[Subject, ...]
    predicate_type: Annotated[Literal["urn:cairn:node-report:1"], Field(alias="predicateType")]
    predicate: Predicate

    def digests(self) -> dict[str, str]:
        """Return the digest of each subject by its name."""
        return {one.name: f"sha256:{one.digest.sha256}" for one in self.subject}


def of_report(report: Report, digests: Mapping[str, str]) -> Statement:
    """Return the statement about a report.

    Args:
        report: The report.
        digests: Digest of each file in its folder, by name.
    """
    bundles = {f"{POLICY}{one.name}@{one.version}": one.digest for one in report.basis.policies}
    return Statement(
        type=STATEMENT_TYPE,
        subject=tuple(
            Subject(name=name, digest=Digests(sha256=digest.removeprefix("sha256:")))
            for name, digest in sorted({**digests, **bundles}.items())
        ),
        predicate_type=PREDICATE_TYPE,
        predicate=Predicate(
            node=report.node.name,
            number=report.number,
            made_at=report.made_at,
            previous=report.previous,
        ),
    )


def sign(statement: Statement, key: SigningKey) -> bytes:
    """Return the statement in a signed DSSE envelope, as canonical JSON."""
    return envelope.seal(statement.model_dump(mode="json", by_alias=True), key)


def verify(data: bytes, key: Ed25519PublicKey, file: Path) -> Statement:
    """Return the statement of an envelope that this key has signed.

    Raises:
        EvidenceRefused: It was cut short or altered, signed by another key, or says nothing
            about a report.
    """
    return _read(envelope.opened(data, key, file), file)


def _read(payload: bytes, file: Path) -> Statement:
    try:
        content: Any = json.loads(payload)
        return Statement.model_validate(content)
    except ValueError as error:
        raise EvidenceRefused(f"{file}: its statement is not about a report of Cairn") from error
