"""The archive as the intake sees it: Orthanc's REST interface, and which answers to believe."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cairn_intake.refusals import Refused

if TYPE_CHECKING:
    from cairn_intake.deidentify import Clean

#: Seconds that the archive may take for one image of a gigabyte.
PATIENCE_S: Final = 120
_OK: Final = 200
#: Answers that mean this very image: bad file, too large, unsupported.
_ABOUT_THE_IMAGE: Final = frozenset({400, 413, 415})
#: Answers that do not change by waiting: it does not let the intake ask.
_NOT_FOR_US: Final = frozenset({401, 403, 404})


class Unavailable(Exception):
    """The archive did not confirm; the image waits."""


class Archive:
    """One connection to the archive, kept open."""

    def __init__(self, url: str, user: str, password: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port or 80, timeout=PATIENCE_S
        )
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}"}

    def store(self, image: Clean) -> None:
        """Hand over an image; when this returns, the archive has it.

        Raises:
            Unavailable: The archive is away, is full, or says anything but that it has it.
            Refused: The archive cannot read it, or has another image under its UID.
        """
        headers = {"Content-Length": str(image.size), "Content-Type": "application/dicom"}
        status, answer = self._ask("POST", "/instances", headers, image)
        if status in _ABOUT_THE_IMAGE:
            raise Refused("archive-refused")
        said = _parsed(answer) if status == _OK else {}
        if said.get("Status") == "AlreadyStored":
            self._require_same(str(said.get("ID")), image)
        elif said.get("Status") != "Success":
            raise Unavailable(f"it answered with status {status}")

    def _require_same(self, identifier: str, image: Clean) -> None:
        status, answer = self._ask("GET", f"/instances/{identifier}/attachments/dicom/md5", {})
        if status in _NOT_FOR_US:
            raise Refused("not-compared")
        if status != _OK:
            raise Unavailable(f"it does not say what it has: status {status}")
        digest = hashlib.md5(usedforsecurity=False)
        for part in image.parts:
            digest.update(part)
        if answer.decode("ascii", "replace").strip() != digest.hexdigest():
            raise Refused("other-content")

    def _ask(
        self, method: str, path: str, headers: dict[str, str], image: Clean | None = None
    ) -> tuple[int, bytes]:
        """Ask, and once more if a connection that was kept open turns out to be closed."""
        was_open = self._connection.sock is not None
        try:
            return self._asked(method, path, headers, image)
        except Unavailable:
            if not was_open:
                raise
        return self._asked(method, path, headers, image)

    def _asked(
        self, method: str, path: str, headers: dict[str, str], image: Clean | None
    ) -> tuple[int, bytes]:
        try:
            body = iter(image.parts) if image else None
            self._connection.request(method, path, body, {**self._headers, **headers})
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Unavailable(type(error).__name__) from None


def _parsed(answer: bytes) -> dict[str, object]:
    try:
        said = json.loads(answer)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
