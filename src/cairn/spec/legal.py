"""What the processing rests on: assessment, agreement, permits, service level, waivers."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, StrictFloat, StrictInt

from cairn.spec.model import Declared
from cairn.spec.types import CheckId, Day, Email, Name, Reference, SecretRef, Sentence, Signature

#: Fewest characters of the reason of a waiver: a word is no reason.
SHORTEST_REASON: Final = 20


class Assessment(Declared):
    """The data-protection impact assessment (GDPR Art. 35)."""

    reference: Reference
    """Its number in the site's files."""
    approved: Day
    """Day it was approved."""
    review_by: Day | None = None
    """Day it must be reviewed by; two years after approval if absent."""


class Agreement(Declared):
    """The agreement with the federation."""

    kind: Literal["data-sharing", "data-transfer"]
    """Sharing when data stay in the house, transfer when copies leave it."""
    reference: Reference
    """Its number in the site's files."""
    signed: Day
    """Day it was signed."""


class Legal(Declared):
    """Legal basis of what the node does."""

    basis: Sentence
    """The legal basis in a sentence, with article."""
    dpia: Assessment | None = None
    """Data-protection impact assessment."""
    agreement: Agreement | None = None
    """Agreement with the federation."""
    transfer_basis: Reference | None = None
    """Basis for a place outside the EU and EEA, if there is one (GDPR Chapter V)."""


class Permit(Declared):
    """A data permit (EHDS Art. 68): who may compute on what until when."""

    id: Reference
    """Its number, quoted."""
    persons: Annotated[tuple[Email, ...], Field(min_length=1)]
    """The named persons it was given to."""
    datasets: Annotated[tuple[Name, ...], Field(min_length=1)]
    """The data sets it covers."""
    expires: Day
    """Last day it is valid."""
    delete_by: Day
    """Day by which everything derived from it is deleted; within six months of its end."""


class ServiceLevel(Declared):
    """What the site promises to the federation."""

    availability_percent: Annotated[StrictFloat, Field(gt=0, le=100)]
    """Promised availability over a year."""
    support_hours: Sentence
    """When somebody answers, as in `Mon-Fri 08:00-17:00 CET`."""
    maintenance_window: Sentence
    """When the node may be down, as in `Tue 18:00-20:00 CET`."""
    recovery_point_hours: Annotated[StrictInt, Field(ge=1)]
    """Hours of data that may be lost (RPO)."""
    recovery_time_hours: Annotated[StrictInt, Field(ge=1)]
    """Hours until service is back (RTO)."""


class Waiver(Declared):
    """A dated exception from one check."""

    check: CheckId
    """Id of the check, as in `STO-02`."""
    host: Name | None = None
    """The host it is for; the node itself if absent."""
    reason: Annotated[str, Field(min_length=SHORTEST_REASON, max_length=400)]
    """Why, and what will end it; at least 20 characters."""
    requested_by: Email | None = None
    """Who asked for it, as the author of the change; without it the waiver does not count."""
    approved_by: Email
    """Who approved it; a policy bundle names them as approver, and they did not ask for it."""
    expires: Day
    """Last day it counts."""
    signature: Signature | None = None
    """Signature of the approver, from `cairn waiver sign`; without it the waiver does not count."""


class Watch(Declared):
    """What `cairn watch` does with the answers of the hosts, day by day."""

    keep_days: Annotated[StrictInt, Field(ge=365, le=3650)] = 1095
    """Days that reports are kept; three years, as long as an ISO/IEC 27001 certificate lasts."""
    hook: SecretRef | None = None
    """Where the https:// address stands that is told of changes, as it often holds a token."""


class Compliance(Declared):
    """Exceptions, and how the node is watched."""

    waivers: tuple[Waiver, ...] = ()
    """Dated exceptions, one check each."""
    watch: Watch = Watch()
    """What becomes of the daily answers of the hosts."""
