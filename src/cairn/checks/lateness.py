"""What need not run yet on a live host, because it waits for a file such as an enrolment."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cairn.checks.host import Reply
    from cairn.plan.model import Listener, Secret, Service

#: Name of the question beside those of the check.
NAME = "later"


def later(planned: Iterable[Service | Listener | Secret]) -> dict[str, str]:
    """Return the question which awaited files are there; none where nothing waits."""
    files = sorted({one.after for one in planned if one.after})
    if not files:
        return {}
    words = " ".join(shlex.quote(file) for file in files)
    return {NAME: f'for file in {words}; do [ ! -e "$file" ] || echo "$file"; done'}


def there(replies: Mapping[str, Reply]) -> frozenset[str]:
    """Return the awaited files that are there."""
    return frozenset(replies[NAME].lines) if NAME in replies else frozenset()
