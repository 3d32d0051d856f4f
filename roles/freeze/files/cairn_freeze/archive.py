"""The archive of the host, Orthanc: read over its own REST interface on the loopback."""

from __future__ import annotations

import base64
import http.client
import json
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from cairn_freeze.cohort import Image, Scan
from cairn_freeze.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO

USER: Final = "freeze"
#: Seconds without a byte after which the archive counts as silent.
PATIENCE: Final = 120
CHUNK: Final = 2**20
#: What is asked of the first image of each series; an image that says it is not de-identified is
#: never copied.
FACTS: Final = (
    "BodyPartExamined",
    "Manufacturer",
    "PatientAge",
    "PatientIdentityRemoved",
    "PatientSex",
)


class Archive:
    """The archive as the user `freeze` sees it; each thread has a connection of its own."""

    def __init__(self, url: str, password: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        token = base64.b64encode(f"{USER}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}
        self._own = threading.local()

    def series(self, query: Mapping[str, str]) -> tuple[str, ...]:
        """Return the archive's numbers of the series that fit a query, sorted."""
        question = {"Level": "Series", "Query": dict(query)}
        found: list[str] = self._json("POST", "/tools/find", question)
        return tuple(sorted(found))

    def scan(self, number: str) -> Scan:
        """Return one series with its images and what the summary counts."""
        rows: list[dict[str, Any]] = self._json("GET", f"/series/{quote(number)}/instances")
        images = tuple(
            Image(row["ID"], row["MainDicomTags"]["SOPInstanceUID"], int(row["FileSize"]))
            for row in rows
        )
        first = images[0].id if images else ""
        tags: dict[str, Any] = self._json("GET", f"/instances/{quote(first)}/simplified-tags")
        return Scan(
            subject=_text(tags, "PatientID"),
            study=_text(tags, "StudyInstanceUID"),
            series=_text(tags, "SeriesInstanceUID"),
            modality=_text(tags, "Modality"),
            facts={word: _text(tags, word) for word in FACTS},
            images=images,
        )

    def copy(self, image: Image, target: IO[bytes]) -> None:
        """Write the DICOM file of an image into `target`."""
        answer = self._ask("GET", f"/instances/{quote(image.id)}/file", None)
        while chunk := answer.read(CHUNK):
            target.write(chunk)

    def _json(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        return json.loads(self._ask(method, path, body).read())

    def _ask(self, method: str, path: str, body: object) -> http.client.HTTPResponse:
        data = None if body is None else json.dumps(body)
        for last in (False, True):
            connection = self._connection()
            try:
                connection.request(method, path, data, self._headers)
                return _judged(connection.getresponse())
            except (OSError, http.client.HTTPException) as error:
                connection.close()  # a connection that was idle too long is opened anew, once
                if last:
                    raise Refused(
                        f"the archive does not answer on port {self._port} "
                        f"({type(error).__name__}); look at `systemctl status orthanc`"
                    ) from None
        raise AssertionError

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection(
                self._host, self._port, timeout=PATIENCE
            )
        found: http.client.HTTPConnection = self._own.connection
        return found


def _judged(answer: http.client.HTTPResponse) -> http.client.HTTPResponse:
    if answer.status == http.client.OK:
        return answer
    answer.read()
    if answer.status in {http.client.UNAUTHORIZED, http.client.FORBIDDEN}:
        raise Refused("the archive does not let the user `freeze` in; run `cairn up` again")
    if answer.status == http.client.NOT_FOUND:
        raise Refused(
            "the archive no longer has an image of this cohort; freeze with --anew to look again"
        )
    raise Refused(f"the archive answers with status {answer.status}; look into its journal")


def _text(tags: Mapping[str, Any], word: str) -> str:
    value = tags.get(word)
    return value.strip() if isinstance(value, str) else ""
