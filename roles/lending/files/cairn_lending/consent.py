"""What the spec of the site lets be lent: to whom, until when, and on which permits."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from cairn_freeze.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def consent(
    settings: Mapping[str, Any], job: Mapping[str, Any], *, today: date | None
) -> Mapping[str, Any]:
    """Return what the spec says of copies of a data set for one compute node.

    Args:
        settings: What the spec says, rendered.
        job: Data set and compute node.
        today: The day it is; None for what may be done after the consent as well.

    Raises:
        Refused: The site lets this node have no copy of it today.
    """
    dataset, node = job["dataset"], job["to"]
    known = settings["datasets"].get(dataset, {})
    if node not in known:
        told = ", ".join(sorted(known)) or "nobody"
        raise Refused(
            f"the spec lets {told} have copies of {dataset}, not {node}; the site consents under "
            "`datasets`, `copies`"
        )
    place: Mapping[str, Any] = known[node]
    if today is not None and today > date.fromisoformat(place["until"]):
        raise Refused(
            f"the consent that {node} gets copies of {dataset} ended on {place['until']}; the site "
            "renews it in the spec, or `cairn dataset recall` takes the copy back"
        )
    return place


def permit(
    permits: Iterable[Mapping[str, Any]], number: str, dataset: str, *, today: date
) -> Mapping[str, Any]:
    """Return the permit that a version was frozen on, if it covers the data set today.

    Raises:
        Refused: It has ended, or the spec no longer has it.
    """
    found = next((one for one in permits if one["id"] == number), None)
    if found is None or dataset not in found["datasets"]:
        raise Refused(f"the version rests on permit {number}, which the spec has not for {dataset}")
    if today > date.fromisoformat(found["expires"]):
        raise Refused(f"the version rests on permit {number}, which ended on {found['expires']}")
    return found
