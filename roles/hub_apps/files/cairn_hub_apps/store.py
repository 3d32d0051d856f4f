"""Apps by the SHA-256 of their bytes; what is handed in is kept as it came."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cairn_account import handing
from cairn_account.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = Path("/var/lib/cairn-apps")
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
PERSON: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,128}")
#: Flower's own limit of a bundle, and what a signature may take.
MOST: Final = 10 * 2**20
LONGEST_SIGNATURE: Final = 65536


def submit(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Keep an app; one that is there stays.

    Args:
        sent: `name`, `version`, `by`, `data` in Base64, and `signature` or an empty text.

    Raises:
        Refused: What was sent is not whole.
    """
    try:
        data = base64.b64decode(sent["data"], validate=True)
        signature, name, version = str(sent["signature"]), str(sent["name"]), str(sent["version"])
    except (KeyError, ValueError, TypeError):
        raise Refused("what was sent is no app; use `cairn app submit`") from None
    if not 0 < len(data) <= MOST or len(signature) > LONGEST_SIGNATURE:
        raise Refused(f"an app has at most {MOST // 2**20} MiB, and this one has {len(data)} bytes")
    if not WORD.fullmatch(name) or not WORD.fullmatch(version):
        raise Refused("name and version of an app are plain words")
    person(sent.get("by"))
    app = hashlib.sha256(data).hexdigest()
    if (FOLDER / app / "about.json").exists():
        return about(app)
    told = {"name": name, "version": version, "by": sent["by"], "signed_by": _signer(signature)}
    handing.tell("submitted", {"app": app, **told})
    place = FOLDER / app
    place.mkdir(mode=0o700, exist_ok=True)
    (place / "app.fab").write_bytes(data)
    (place / "app.fab.sig").write_text(signature, "ascii")
    at = datetime.now(UTC).isoformat(timespec="seconds")
    (place / "about.json").write_text(json.dumps({"app": app, "at": at, **told}), "utf-8")
    return about(app)


def about(app: str) -> dict[str, Any]:
    """Return what is known of an app.

    Raises:
        Refused: It was not handed in.
    """
    if DIGEST.fullmatch(app) is None:
        raise Refused("an app is named by its whole SHA-256, 64 digits")
    try:
        found: dict[str, Any] = json.loads((FOLDER / app / "about.json").read_bytes())
    except FileNotFoundError:
        raise Refused(f"the hub has no app sha256:{app}; `cairn app submit` hands it in") from None
    return found


def bundle(app: str) -> bytes:
    """Return the bytes of an app.

    Raises:
        Refused: They are not those that were handed in.
    """
    about(app)
    data = (FOLDER / app / "app.fab").read_bytes()
    if hashlib.sha256(data).hexdigest() != app:
        raise Refused(f"the bytes of sha256:{app} were changed on this hub; look who did it")
    return data


def listed() -> dict[str, Any]:
    """Return all apps, those handed in last at the end."""
    names = [one.parent.name for one in FOLDER.glob("*/about.json")]
    found = [about(name) for name in names if DIGEST.fullmatch(name)]
    return {"apps": sorted(found, key=lambda one: str(one["at"]))}


def person(who: object) -> str:
    """Return the mail address of who decides something.

    Raises:
        Refused: It is none.
    """
    if not isinstance(who, str) or PERSON.fullmatch(who) is None:
        raise Refused("who does this is named by a mail address, as in --by ops@hub.example")
    return who


def _signer(signature: str) -> str:
    """Return whose key a signature names; sites verify it, the hub only passes it on."""
    try:
        return ", ".join(str(one["keyid"])[:80] for one in json.loads(signature)["signatures"])
    except (ValueError, KeyError, TypeError):
        return ""
