"""What may be recorded, by whom, and in which words: numbers and names, never a patient's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cairn_account.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT: Final = frozenset(
    {
        *("app", "name", "version", "by", "signed_by", "dataset", "manifest", "permit"),
        *("permit_ends", "run", "node", "message", "outcome", "why", "started_at", "started_by"),
        *("until",),
    }
)
NUMBERS: Final = frozenset(
    {"samples", "bytes_in", "bytes_out", "sites", "dataset_version", "objects"}
)
#: Longest text: the reason of a refusal.
LONGEST: Final = 400
#: What everybody may record who is let to the socket, and what only root may.
OF_TASKS: Final = frozenset({"began", "refused", "ended"})
OF_ROOT: Final = frozenset({"approved", "revoked", "submitted", "started", "finished", "stopped"})
#: What others may record, and nothing else.
OF_OTHERS: Final = {
    "cairn-lending": frozenset({"lending", "lent", "recalled"}),
    "cairn-receiving": frozenset({"received", "refused", "deleted"}),
}


def judged(event: object, *, user: str) -> Mapping[str, Any]:
    """Return an event that may be recorded.

    Args:
        event: What was handed in.
        user: The account that handed it in.

    Raises:
        Refused: It may not.
    """
    if not isinstance(event, dict):
        raise Refused("an event is a map of words")
    may = OF_TASKS | OF_ROOT if user == "root" else OF_OTHERS.get(user, OF_TASKS)
    if event.get("event") not in may:
        raise Refused(f"`{str(event.get('event'))[:40]}` may not be recorded by this user")
    for word, value in event.items():
        if word != "event" and not _fits(word, value):
            raise Refused(f"`{str(word)[:40]}` is no word of an account, or its value does not fit")
    return event


def _fits(word: str, value: object) -> bool:
    if word in TEXT:
        return isinstance(value, str) and len(value) <= LONGEST and value.isprintable()
    return word in NUMBERS and type(value) is int and 0 <= value < 2**63
