"""A report counts while it is, to the byte, what the holder of the key signed."""

from __future__ import annotations

import base64
import errno
import json
import shutil
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, SSlibKey

from cairn.errors import EvidenceRefused, Misuse
from cairn.evidence import (
    build,
    canonical,
    chain,
    formats,
    keys,
    places,
    publish,
    statement,
    verify,
)
from cairn.evidence.envelope import PAYLOAD_TYPE
from cairn.spec.digest import digest_of
from evidence import samples

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cairn.evidence.build import Made
    from cairn.evidence.model import Report

KEY = Ed25519PrivateKey.from_private_bytes(b"a key for tests that signs no..."[:32])
OTHER = Ed25519PrivateKey.from_private_bytes(b"another one, of somebody else..."[:32])


NAMES = [
    *sorted(one.file for one in formats.FORMATS.values()),
    *("report.json", "spec.yaml", "plan.json", "evidence.zip"),
]


def write(folder: Path, report: Report, files: dict[str, bytes], key: Any = KEY) -> Path:  # noqa: ANN401
    """Write a report with a statement about it, as `publish` does."""
    digests = {name: digest_of(content) for name, content in files.items()}
    signed = statement.sign(statement.of_report(report, digests), key)
    places.write(folder, {**files, places.STATEMENT: signed})
    return folder


@pytest.fixture(scope="module")
def files(made: Made) -> dict[str, bytes]:
    return {**made.files, **formats.render(made)}


@pytest.fixture
def folder(tmp_path: Path, made: Made, files: dict[str, bytes]) -> Path:
    """A signed report."""
    return write(tmp_path / "one", made.report, files)


def refused(folder: Path, why: str, key: Ed25519PrivateKey = KEY) -> None:
    with pytest.raises(EvidenceRefused, match=why):
        verify.report(folder, key.public_key())


def test_a_report_as_it_was_signed_holds(folder: Path, made: Made) -> None:
    proven = verify.report(folder, KEY.public_key())
    assert proven.report == made.report
    assert proven.digest == digest_of(made.files["report.json"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", ["a byte", "cut short", "missing", "empty"])
def test_a_file_that_is_not_as_signed_is_refused(folder: Path, name: str, fault: str) -> None:
    data = (folder / name).read_bytes()
    middle = len(data) // 2
    match fault:
        case "a byte":
            (folder / name).write_bytes(
                data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
            )
        case "cut short":
            (folder / name).write_bytes(data[:-1])
        case "missing":
            (folder / name).unlink()
        case _:
            (folder / name).write_bytes(b"")
    refused(folder, rf"{name}: (is not the file that was signed|was signed and is missing)")


def test_every_byte_of_the_statement_counts(folder: Path) -> None:
    file = folder / places.STATEMENT
    data = file.read_bytes()
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(EvidenceRefused, match=places.STATEMENT):
            statement.verify(changed, KEY.public_key(), file)


@pytest.mark.parametrize("length", [0, 1, 500, -1])
def test_a_statement_that_was_cut_short_is_refused(folder: Path, length: int) -> None:
    file = folder / places.STATEMENT
    file.write_bytes(file.read_bytes()[:length])
    refused(folder, "cut short or altered")


def test_another_key_is_refused_by_its_name(folder: Path) -> None:
    refused(folder, "is signed by another key", OTHER)


def test_a_borrowed_name_does_not_help_another_key(
    tmp_path: Path, made: Made, files: dict[str, bytes]
) -> None:
    folder = write(tmp_path / "forged", made.report, files, OTHER)
    file = folder / places.STATEMENT
    envelope = json.loads(file.read_bytes())
    envelope["signatures"][0]["keyid"] = keys.fingerprint(KEY.public_key())
    file.write_bytes(canonical.encode(envelope))
    refused(folder, "its signature does not fit its content")


def test_a_report_without_signature_is_refused(folder: Path) -> None:
    (folder / places.STATEMENT).unlink()
    refused(folder, "it is not signed")


def test_an_envelope_that_nobody_signed_is_refused(folder: Path) -> None:
    file = folder / places.STATEMENT
    envelope = json.loads(file.read_bytes())
    envelope["signatures"] = []
    file.write_bytes(canonical.encode(envelope))
    refused(folder, "nobody")


def test_a_file_more_is_refused(folder: Path) -> None:
    (folder / "report-corrected.html").write_text("all is well")
    refused(folder, r"report-corrected\.html: is not signed")


def test_a_statement_about_something_else_is_refused(folder: Path) -> None:
    file = folder / places.STATEMENT
    payload = json.loads(base64.b64decode(json.loads(file.read_bytes())["payload"]))
    payload["predicateType"] = "https://slsa.dev/provenance/v1"
    file.write_bytes(sealed(canonical.encode(payload)))
    refused(folder, "is not about a report of Cairn")


def sealed(payload: bytes) -> bytes:
    """Return an envelope round any payload, signed with the right key."""
    public = KEY.public_key()
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    known = SSlibKey.from_crypto(public, keyid=keys.fingerprint(public))
    envelope.sign(CryptoSigner(KEY, known))
    return canonical.encode(envelope.to_dict())


def later_date(value: dict[str, Any]) -> None:
    """Move the report two days on, so that it looks fresher than its answers."""
    value["started_at"] = value["started_at"].replace("-22T", "-24T")
    value["made_at"] = value["made_at"].replace("-22T", "-24T")


def tomorrow(value: dict[str, Any]) -> None:
    """Date the report into the future."""
    value["made_at"] = "2100-01-01T00:00:00Z"


def other_policies(value: dict[str, Any]) -> None:
    """Name a milder bundle than the one that was signed for."""
    value["basis"]["policies"][0]["digest"] = f"sha256:{64 * '0'}"


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (later_date, "answer 1 was given at 2026-11-22"),
        (tomorrow, "is dated 2100-01-01T00:00:00Z, which is in the future"),
    ],
    ids=["later date", "tomorrow"],
)
def test_a_wrong_date_is_refused_even_with_the_right_key(
    tmp_path: Path,
    files: dict[str, bytes],
    spoil: Callable[[dict[str, Any]], None],
    why: str,
) -> None:
    value = json.loads(files["report.json"])
    spoil(value)
    data = canonical.encode(value)
    report = verify.read(data, tmp_path)
    refused(write(tmp_path / "spoilt", report, {**files, "report.json": data}), why)


def test_a_statement_about_another_date_is_refused(
    tmp_path: Path, made: Made, files: dict[str, bytes]
) -> None:
    later = made.report.model_copy(update={"made_at": "2026-11-24T06:30:30Z"})
    refused(write(tmp_path / "later", later, files), "do not agree about date")


def test_a_statement_about_other_policies_is_refused(
    tmp_path: Path, made: Made, files: dict[str, bytes]
) -> None:
    value = json.loads(files["report.json"])
    other_policies(value)
    data = canonical.encode(value)
    refused(
        write(tmp_path / "milder", made.report, {**files, "report.json": data}),
        "do not agree about policies cairn",
    )


# --- chain ---


@pytest.fixture
def three(tmp_path: Path, house: Path) -> Path:
    """Three reports of three days, each following the one before."""
    for day in range(3):
        publish.publish(samples.gathered(tmp_path, day=day), ("junit",), KEY)
    return house / ".cairn" / "reports" / "test-hospital"


def numbers(folder: Path, **words: Any) -> list[int]:  # noqa: ANN401
    return [one.report.number for one in chain.reports(folder, KEY.public_key(), **words)]


def test_a_whole_chain_holds(three: Path) -> None:
    assert numbers(three) == [1, 2, 3]
    assert [one.name for one in places.reports(three)] == [
        "20261122T063030Z", "20261123T063030Z", "20261124T063030Z"
    ]  # fmt: skip


@pytest.mark.parametrize("gone", [0, 1])
def test_a_missing_report_shows(three: Path, gone: int) -> None:
    shutil.rmtree(places.reports(three)[gone])
    with pytest.raises(EvidenceRefused, match=f"report {gone + 1} is missing from the chain"):
        numbers(three)


def test_earlier_reports_may_have_been_put_away(three: Path) -> None:
    shutil.rmtree(places.reports(three)[0])
    assert numbers(three, since=2) == [2, 3]


def test_a_report_that_was_exchanged_shows(three: Path, tmp_path: Path) -> None:
    second = places.reports(three)[1]
    signed = {one.name for one in second.iterdir()} - {places.STATEMENT}
    shutil.rmtree(second)
    first = verify.report(places.reports(three)[0], KEY.public_key())
    again = build.build(
        samples.gathered(tmp_path, day=1, tamper=samples.passwords_on),
        build.Before(first.report, first.digest),
    )
    files = {**again.files, **formats.render(again, ("junit",))}
    assert set(files) == signed
    write(second, again.report, files)
    with pytest.raises(EvidenceRefused, match="does not follow from"):
        numbers(three)


def test_two_reports_with_one_number_show(three: Path) -> None:
    shutil.copytree(places.reports(three)[1], three / "20261125T063030Z")
    with pytest.raises(EvidenceRefused, match="two reports with the number 2"):
        numbers(three)


def test_a_report_that_was_altered_breaks_the_chain(three: Path) -> None:
    file = places.reports(three)[1] / "report.junit.xml"
    file.write_bytes(file.read_bytes().replace(b"failure", b"success"))
    with pytest.raises(EvidenceRefused, match="is not the file that was signed"):
        numbers(three)


def test_the_draft_of_a_killed_report_is_no_report(three: Path, tmp_path: Path) -> None:
    shutil.copytree(places.reports(three)[-1], three / ".draft-x")
    assert numbers(three) == [1, 2, 3]
    made = publish.publish(samples.gathered(tmp_path, day=3), ("junit",), KEY)
    assert made.report.number == 4


def test_a_full_disk_leaves_no_half_report(
    three: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    gathered = samples.gathered(tmp_path, day=3)
    before = set(three.iterdir())
    monkeypatch.setattr(places.os, "fdopen", full)
    with pytest.raises(Misuse, match="No space left on device"):
        publish.publish(gathered, ("junit",), KEY)
    monkeypatch.undo()
    assert set(three.iterdir()) == before


def test_an_empty_folder_is_no_chain(tmp_path: Path) -> None:
    with pytest.raises(EvidenceRefused, match="there is no report in it"):
        numbers(tmp_path)


def test_no_report_follows_one_that_was_altered(three: Path, tmp_path: Path) -> None:
    file = places.reports(three)[-1] / "report.json"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(EvidenceRefused, match="cut short or altered"):
        publish.publish(samples.gathered(tmp_path, day=3), ("junit",), KEY)


def test_a_report_is_never_written_over_another(three: Path, tmp_path: Path) -> None:
    begun = samples.BEGUN + timedelta(days=2)
    gathered = replace(samples.gathered(tmp_path, day=2), made_at=begun + samples.TOOK)
    before = {file: file.read_bytes() for file in three.rglob("*") if file.is_file()}
    with pytest.raises(Misuse, match="cannot be written"):
        publish.publish(gathered, ("junit",), KEY)
    assert {file: file.read_bytes() for file in three.rglob("*") if file.is_file()} == before


# --- keys ---


def test_a_key_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    public = keys.make(tmp_path / "reports.key")
    assert (tmp_path / "reports.key").stat().st_mode & 0o777 == 0o600
    made = keys.private(f"file:{tmp_path}/reports.key")
    assert keys.fingerprint(made.public_key()) == keys.fingerprint(keys.public(public))


def test_a_key_is_never_written_over_another(tmp_path: Path) -> None:
    keys.make(tmp_path / "reports.key")
    before = (tmp_path / "reports.key").read_bytes()
    with pytest.raises(Misuse, match="is there already"):
        keys.make(tmp_path / "reports.key")
    assert (tmp_path / "reports.key").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [
        (None, 0o600, "cannot be read"),
        ("-----BEGIN NOTHING-----\n", 0o600, "is no private key"),
        ("fine", 0o640, "others may read this key"),
        ("rsa", 0o600, "is no Ed25519 key"),
    ],
)
def test_a_key_that_will_not_do_is_told(
    tmp_path: Path, content: str | None, mode: int, why: str
) -> None:
    file = tmp_path / "reports.key"
    if content == "fine":
        keys.make(file)
    elif content == "rsa":
        file.write_bytes(_rsa())
    elif content is not None:
        file.write_text(content)
    if file.exists():
        file.chmod(mode)
    with pytest.raises(Misuse, match=why):
        keys.private(f"file:{file}")


def test_a_reference_of_another_kind_is_told_without_its_value() -> None:
    with pytest.raises(Misuse, match="`vault:` is not read") as told:
        keys.private("vault:1234")
    assert "1234" not in str(told.value)
    with pytest.raises(Misuse, match=r"^a key is named as file:PATH or [^`]+$"):
        keys.private("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQ")


def _rsa() -> bytes:
    return rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
