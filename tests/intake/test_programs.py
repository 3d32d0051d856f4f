"""The two programs with real senders: who gets in, what arrives where, and what faults cost."""

from __future__ import annotations

import io
import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from pydicom import dcmread
from pydicom.uid import CTImageStorage, ExplicitVRBigEndian, ExplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode

from intake.archives import Archive, archive
from intake.phantoms import DATE_MARK, MARK, NAME_MARK, UID_MARK, planted, slice_of_ct, written
from intake.stations import Station, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def kept() -> Iterator[Archive]:
    with archive() as server:
        yield server


@pytest.fixture
def station(tmp_path: Path, kept: Archive) -> Iterator[Station]:
    here = Station(tmp_path, kept.url).prepare()
    yield here
    here.end_all()


def images(folder: Path, count: int, **wishes: object) -> list[Path]:
    paths = [folder / f"image-{number}.dcm" for number in range(count)]
    for path in paths:
        path.write_bytes(written(slice_of_ct(**wishes)))
    return paths


def refused(answer: subprocess.CompletedProcess[str]) -> str:
    assert answer.returncode != 0
    return answer.stdout + answer.stderr


def test_a_study_arrives_under_its_pseudonym_and_is_forgotten(
    station: Station, kept: Archive, tmp_path: Path
) -> None:
    station.start()
    sent = station.send(*images(tmp_path, 3))
    wait_for(lambda: len(kept.kept) == 3, station.log())
    wait_for(lambda: not station.waiting(), "images stay in the spool")
    stored = [dcmread(io.BytesIO(body)) for body in kept.kept.values()]
    assert sent.returncode == 0, sent.stderr
    assert len({one.PatientID for one in stored}) == 1
    assert stored[0].PatientID != "HOSP-4711-X"
    assert "Quixotina" not in station.log() + str(kept.kept)


@pytest.mark.parametrize(
    ("calling", "how", "why"),
    [
        ("NOBODY", {"certificate": "ct"}, "Calling AE Title Not Recognized"),
        ("CT-1", {"called": "OTHER"}, "Called AE Title Not Recognized"),
        ("CT-1", {"certificate": "other"}, "Calling AE Title Not Recognized"),
        ("CT-1", {"plain": "yes"}, "Calling AE Title Not Recognized"),
        ("FAR-1", {"plain": "yes"}, "Calling AE Title Not Recognized"),
    ],
    ids=["unlisted title", "another called title", "another's certificate", "TLS left out",
         "another address"],
)  # fmt: skip
def test_who_is_not_listed_is_rejected(
    station: Station, calling: str, how: dict[str, str], why: str
) -> None:
    station.start("receive")
    assert why in refused(station.echo(calling, **how))
    assert station.echo().returncode == 0
    assert station.echo("OLD-1", plain="yes").returncode == 0


@pytest.mark.parametrize("certificate", ["none", "foreign", "expired"])
def test_a_client_without_a_valid_certificate_gets_no_association(
    station: Station, certificate: str
) -> None:
    station.start("receive")
    refused(station.echo(certificate=certificate))
    assert "refused, no TLS" in station.log()
    assert station.echo().returncode == 0


def test_who_may_only_ask_cannot_send(station: Station, tmp_path: Path) -> None:
    station.start("receive")
    assert station.echo("ECHO-1", plain="yes").returncode == 0
    refused(station.send(*images(tmp_path, 1), calling="ECHO-1", plain="yes"))
    assert station.waiting() == 0


def test_a_client_that_never_finishes_its_handshake_holds_nobody_up(station: Station) -> None:
    station.start("receive")
    with socket.create_connection(("127.0.0.1", station.port)):
        assert station.echo().returncode == 0


def test_an_archive_that_is_away_costs_no_image(
    station: Station, kept: Archive, tmp_path: Path
) -> None:
    kept.status = 503
    station.start()
    assert station.send(*images(tmp_path, 4)).returncode == 0
    wait_for(lambda: "an image waits" in station.log(), "nobody is told")
    assert (station.waiting(), len(kept.kept)) == (4, 0)
    kept.status = 200
    wait_for(lambda: len(kept.kept) == 4 and not station.waiting(), station.log())


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"spool_mib": 500, "free_mib": 10**9}, "the disk is nearly full"),
        ({"spool_mib": 0, "free_mib": 1}, "too much waits for the archive"),
    ],
    ids=["disk", "spool"],
)
def test_without_room_new_associations_are_refused_for_now(
    tmp_path: Path, kept: Archive, limits: dict[str, int], why: str
) -> None:
    station = Station(tmp_path, kept.url, limits).prepare().start("receive")
    try:
        answer = refused(station.echo())
    finally:
        station.end_all()
    assert "Rejected Transient" in answer
    assert "Temporary Congestion" in answer
    assert why in station.log()


def test_the_same_image_sent_twice_is_kept_once_and_another_under_its_uid_is_held_back(
    station: Station, kept: Archive, tmp_path: Path
) -> None:
    station.start()
    image = slice_of_ct()
    first, other = tmp_path / "first.dcm", tmp_path / "other.dcm"
    first.write_bytes(written(image))
    image.PixelData = bytes(128)
    other.write_bytes(written(image))
    assert station.send(first).returncode == 0
    wait_for(lambda: not station.waiting(), station.log())
    assert station.send(first).returncode == 0
    wait_for(lambda: not station.waiting(), station.log())
    assert station.reasons() == []
    assert station.send(other).returncode == 0
    wait_for(lambda: station.reasons() == ["other-content"], station.log())
    assert len(kept.kept) == 1


def test_what_may_not_leave_is_held_back_and_nobody_is_named(
    station: Station, kept: Archive, tmp_path: Path
) -> None:
    station.start()
    wrong = images(tmp_path, 1, Modality="US")
    named = tmp_path / "no-id.dcm"
    named.write_bytes(written(slice_of_ct(PatientID="")))
    assert station.send(*wrong, named).returncode == 0
    wait_for(lambda: len(station.reasons()) == 2, station.log())
    told = station.log() + "".join(
        path.read_text() for path in (station.spool / "quarantine").glob("*.reason")
    )
    assert station.reasons() == ["burned-in", "no-patient-id"]
    assert "Quixotina" not in told
    assert "HOSP" not in told
    wait_for(lambda: not station.waiting(), station.log())
    assert kept.kept == {}


def test_an_identifier_with_control_characters_is_held_back(
    station: Station, kept: Archive, tmp_path: Path
) -> None:
    station.start()
    assert station.send(*images(tmp_path, 1, PatientID="A\x07B")).returncode == 0
    wait_for(lambda: station.reasons() == ["bad-patient-id"], station.log())
    assert kept.kept == {}


def test_a_transfer_syntax_that_is_not_taken_gets_nothing_through(station: Station) -> None:
    """Whoever offers nothing but the retired explicit VR big endian is accepted for nothing."""
    station.start("receive")
    sender = AE("OLD-1")
    sender.add_requested_context(CTImageStorage, ExplicitVRBigEndian)
    association = sender.associate("127.0.0.1", station.plain, ae_title="RESEARCH")
    accepted = association.accepted_contexts
    association.abort()
    assert accepted == []
    assert station.waiting() == 0


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [(lambda whole: whole[:-20], "truncated"), (lambda _: b"\x89PNG" * 60, None)],
    ids=["cut short", "no DICOM at all"],
)
def test_bytes_that_are_no_whole_image_are_held_back(
    station: Station, kept: Archive, spoil: Callable[[bytes], bytes], reason: str | None
) -> None:
    """No scanner sends such a thing, so its bytes go out over an association of pynetdicom."""
    station.start()
    image = slice_of_ct()
    sender = AE("OLD-1")
    sender.add_requested_context(image.SOPClassUID, ExplicitVRLittleEndian)
    association = sender.associate("127.0.0.1", station.plain, ae_title="RESEARCH")
    message = C_STORE()
    message.MessageID, message.Priority = 1, 2
    message.AffectedSOPClassUID = image.SOPClassUID
    message.AffectedSOPInstanceUID = image.SOPInstanceUID
    message.DataSet = io.BytesIO(spoil(encode(image, is_implicit_vr=False, is_little_endian=True)))
    (context,) = association.accepted_contexts
    association.dimse.send_msg(message, context.context_id)
    wait_for(lambda: len(station.reasons()) == 1, station.log())
    association.release()
    assert reason is None or station.reasons() == [reason]
    wait_for(lambda: not station.waiting(), station.log())
    assert kept.kept == {}


def test_planted_identifiers_are_in_no_byte_of_archive_and_logs(
    station: Station, kept: Archive, tmp_path: Path
) -> None:
    station.start()
    image = tmp_path / "planted.dcm"
    image.write_bytes(written(planted()))
    assert station.send(image).returncode == 0
    wait_for(lambda: len(kept.kept) == 1, station.log())
    station.end("forward")
    told = b"".join(kept.kept.values()) + station.log().encode()
    told += (station.spool / "counts" / "counts.json").read_bytes()
    needles = (MARK, NAME_MARK, UID_MARK, DATE_MARK, "Quixotina")
    assert [needle for needle in needles if needle.lower().encode() in told.lower()] == []


#: What storescu says of each image that the receiver took.
CONFIRMED = "Received Store Response (Success)"


def test_killed_in_the_middle_of_a_study_all_that_was_confirmed_arrives_once(
    station: Station, kept: Archive, tmp_path: Path
) -> None:
    station.start()
    paths = images(tmp_path, 100)
    said = ""
    program = ["/usr/bin/storescu", "-v", "-aet", "OLD-1", "-aec", "RESEARCH", "127.0.0.1"]
    with subprocess.Popen(
        [*program, str(station.plain), *paths],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as sending:  # fmt: skip
        assert sending.stdout is not None
        for line in sending.stdout:
            said += line
            if said.count(CONFIRMED) == 20 and CONFIRMED in line:
                station.end("receive", signal.SIGKILL)
                station.end("forward", signal.SIGKILL)
    confirmed = said.count(CONFIRMED)
    station.start()
    wait_for(lambda: not station.waiting(), station.log())
    assert 20 <= confirmed < 100
    assert confirmed <= len(kept.kept) <= confirmed + 1
    assert station.reasons() == []
    assert list((station.spool / "incoming").iterdir()) == []
