"""Who may open an association: listed systems, from their own address, under their own certificate.

A title is no password. What tells one scanner from another is its certificate, whose name is its
title; for a scanner without TLS it is only its address, and the firewall lets nobody else in.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cairn_intake.settings import Modality, Settings


class Rejection(Enum):
    """Result, source and reason of an A-ASSOCIATE-RJ, DICOM PS3.8 section 9.3.4."""

    CALLING_UNKNOWN = (1, 1, 3)
    CALLED_UNKNOWN = (1, 1, 7)
    CONGESTION = (2, 3, 1)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who wants an association.

    Attributes:
        calling: The title it gives itself.
        called: The title it calls.
        address: Where it connects from.
        encrypted: Whether it came over TLS.
        name: Common name of its certificate, None if it showed none.
    """

    calling: str
    called: str
    address: str
    encrypted: bool
    name: str | None


def judge(settings: Settings, caller: Caller) -> tuple[Modality | None, Rejection | None, str]:
    """Return the listed system that a caller is, or how it is rejected and why."""
    unknown = Rejection.CALLING_UNKNOWN
    found = next((one for one in settings.modality if one.aet == caller.calling), None)
    if caller.called != settings.aet:
        return None, Rejection.CALLED_UNKNOWN, "it calls another title"
    if found is None:
        return None, unknown, "its title is not listed"
    if caller.address != found.address:
        return None, unknown, "it comes from another address than the listed one"
    if not caller.encrypted and not found.plain:
        return None, unknown, "it is listed for TLS and came without"
    wrong = caller.name != found.aet
    if caller.encrypted and settings.client_certificates and wrong:
        return None, unknown, "its certificate is of another system"
    return found, None, ""
