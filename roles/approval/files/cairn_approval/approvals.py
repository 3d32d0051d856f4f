"""The list of approved apps, which is root's, and the permits of the spec that they rest on."""

from __future__ import annotations

import json
import os
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cairn_account.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = Path("/etc/cairn/fl-agent")
#: What the spec says, rendered; and what the site approved.
RULES: Final = "rules.json"
LIST: Final = "approved.json"
FORMAT: Final = "cairn-approvals/1"
DIGEST: Final = re.compile(r"[0-9a-f]{64}")

Approval = dict[str, Any]
Rules = dict[str, Any]


def rules(folder: Path = FOLDER) -> Rules:
    """Return what the spec of the node says: data sets, permits, limits, what may leave."""
    found: Rules = json.loads((folder / RULES).read_bytes())
    return found


def read(folder: Path = FOLDER) -> dict[str, Approval]:
    """Return the approvals by the digest of the app.

    Raises:
        Refused: The list is not root's alone to write, or no list.
    """
    file = folder / LIST
    try:
        with file.open("rb") as opened:
            state = os.fstat(opened.fileno())
            found = json.load(opened)
        apps = dict(found["apps"]) if found["format"] == FORMAT else None
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{file} cannot be read ({type(error).__name__}); nothing counts") from None
    if state.st_uid != 0 or state.st_mode & 0o022:
        raise Refused(f"{file} is not root's alone to write; nothing on it counts")
    if apps is None:
        raise Refused(f"{file} is no list of approvals in the form {FORMAT}; nothing counts")
    return apps


def write(apps: Mapping[str, Approval], folder: Path = FOLDER) -> None:
    """Write the list, at once and for all to read."""
    fresh = folder / f"{LIST}.new"
    text = json.dumps({"format": FORMAT, "apps": dict(sorted(apps.items()))}, indent=1)
    fresh.write_text(f"{text}\n", "utf-8")
    fresh.chmod(0o644)
    fresh.replace(folder / LIST)


def permit(rules: Rules, number: str, dataset: str, *, today: date) -> Mapping[str, Any]:
    """Return the permit of that number, if it covers the data set today.

    Raises:
        Refused: There is none, it has ended, or it covers other data.
    """
    found = next((one for one in rules["permits"] if one["id"] == number), None)
    if found is None:
        raise Refused(f"the spec of this node has no permit {number}; declare it, then `cairn up`")
    if dataset not in rules["datasets"]:
        raise Refused(f"the spec of this node declares no data set {dataset}")
    if dataset not in found["datasets"]:
        raise Refused(f"permit {number} does not cover data set {dataset}")
    if today > date.fromisoformat(found["expires"]):
        raise Refused(f"permit {number} ended on {found['expires']}")
    permit: Mapping[str, Any] = found
    return permit


def granted(app: str, *, today: date, folder: Path = FOLDER) -> Approval:
    """Return the approval of an app, if it counts today.

    Args:
        app: SHA-256 of its bytes, in hex.
        today: The day it is, in UTC.
        folder: Where list and rules are.

    Raises:
        Refused: This site has not approved these bytes, or the permit no longer covers it.
    """
    found = read(folder).get(app)
    if found is None:
        raise Refused(
            f"this site has not approved the app sha256:{app}; "
            f"`cairn app approve {rules(folder)['node']} {app}` does"
        )
    permit(rules(folder), found["permit"], found["dataset"], today=today)
    return found
