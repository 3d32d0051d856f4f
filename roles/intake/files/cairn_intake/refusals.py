"""Why an image is not passed on: each reason is a word for machines and a sentence for people."""

from __future__ import annotations

from typing import Final

#: What a person does about each reason. None of these sentences can hold patient data.
REASONS: Final = {
    "not-dicom": "it is no DICOM file; look at what the sender sends",
    "unreadable": "its data set cannot be read in the transfer syntax agreed on; update the sender",
    "truncated": "it ends before its data does; send it again",
    "no-patient-id": "it has no PatientID, so no pseudonym; correct the order",
    "bad-patient-id": "its PatientID has control characters; correct the order",
    "no-identity": "it lacks the UID of instance, series or study, or its SOP class; send it again",
    "burned-in": "its pixels may show text; add a rule to pacs.deidentify.blank",
    "document": "it is a report or a document, which cannot be cleaned; do not send such objects",
    "cannot-blank": "its device's rule does not fit; correct pacs.deidentify.blank",
    "too-deep": "its sequences are nested deeper than any image's; look at what the sender sends",
    "other-content": "the archive holds another image under the same UID; ask the sender",
    "not-compared": "the archive has its UID and does not say with what content; run `cairn up`",
    "archive-refused": "the archive cannot read what is left of it; look at the archive's log",
}


class Refused(Exception):
    """An image that stays out of the archive.

    Attributes:
        reason: A key of `REASONS`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}: {REASONS[reason]}")
        self.reason = reason
