"""The intake on a real host: images that dcmtk sends over TLS end in a real Orthanc, nameless."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from cairn import sandbox
from cairn.plan.roles import certificate, intake
from cairn.stack.certificates import PROGRAM
from intake.phantoms import DATE_MARK, MARK, NAME_MARK, UID_MARK, planted, slice_of_ct, written
from intake.stations import wait_for
from roles.harness import ground

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cairn.plan.context import Context
    from roles.harness import Ground

NODE = "role-intake"
RESEARCH = "RESEARCH"
#: Seconds that packages may take to be fetched and installed.
SLOWEST_S = 300
#: As the role `archive` leaves it for the intake: Orthanc on the loopback, a user, its password.
ARCHIVE = """
set -e
export DEBIAN_FRONTEND=noninteractive
apt="apt-get -qq -o Acquire::http::Proxy=PROXY"
$apt update
$apt install --no-install-recommends orthanc curl >/dev/null 2>&1
systemctl stop orthanc
install -d -m 0700 /etc/cairn/archive
[ -s /etc/cairn/archive/intake.password ] || od -An -vtx1 -N16 /dev/urandom | tr -d ' \\n' \
    >/etc/cairn/archive/intake.password
chmod 0600 /etc/cairn/archive/intake.password
rm -f /etc/orthanc/*.json
cat >/etc/orthanc/orthanc.json <<JSON
{"Name": "archive", "RemoteAccessAllowed": false, "DicomServerEnabled": false,
 "StorageDirectory": "/var/lib/orthanc/db-v6", "IndexDirectory": "/var/lib/orthanc/db-v6",
 "AuthenticationEnabled": true,
 "RegisteredUsers": {"intake": "$(cat /etc/cairn/archive/intake.password)"}}
JSON
chown orthanc /etc/orthanc/orthanc.json && chmod 0600 /etc/orthanc/orthanc.json
systemctl reset-failed orthanc; systemctl start orthanc
"""
ASK = 'curl -s -u "intake:$(cat /etc/cairn/archive/intake.password)" http://127.0.0.1:8042'


def pacs(box: Ground) -> Context:
    """Return the context of a hospital with one scanner, which is this computer."""
    here = str(box.place.gateway)
    return box.context(
        kind="data-provider",
        pacs={
            "aet": RESEARCH,
            "accepts": [
                {"aet": "CT-1", "address": here, "may": ["store", "echo"]},
                {"aet": "FAR-1", "address": "198.51.100.9", "may": ["store", "echo"]},
            ],
            "deidentify": {"options": ["clean-pixel-data", "retain-longitudinal-modified-dates"]},
            "memory": "512 MiB",
        },
    )


def apply(box: Ground, **how: object) -> list[str]:
    """Apply the role and return the names of the tasks that changed something."""
    outcome = box.apply(intake.plan(pacs(box)), **how)
    assert outcome.failure is None, outcome.failure
    return [change.task for change in outcome.changes]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Yield a host with certificates, an archive and the intake."""
    yield from intake_on("debian-13", tmp_path_factory.mktemp("d13"))


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Yield the same on the older release."""
    yield from intake_on("debian-12", tmp_path_factory.mktemp("d12"))


def intake_on(os: str, folder: Path) -> Iterator[Ground]:
    """Bring up a host with all that images pass through."""
    host = os.replace("debian-", "d")
    try:
        here = ground(NODE, host, os, folder)
        outcome = here.apply(certificate.plan(pacs(here)))
        assert outcome.failure is None, outcome.failure
        lay_archive(here)
        assert apply(here)
        give_certificate(here)
        yield here
    finally:
        sandbox.remove(NODE, host)


def lay_archive(box: Ground) -> None:
    """Install an archive as the role `archive` leaves it; packages may take their time."""
    script = ARCHIVE.replace("PROXY", str(box.place.package_cache))
    box.ask(f"cat >/root/lay-archive <<'END'\n{script}END\n"
            "systemd-run --quiet --unit=lay-archive -p Type=oneshot -p RemainAfterExit=yes "
            "--no-block sh /root/lay-archive")  # fmt: skip
    for _ in range(SLOWEST_S):
        state = box.ssh("systemctl is-active lay-archive").stdout.strip()
        if state == "active":
            return
        assert state == "activating", box.ask("journalctl -u lay-archive --no-pager | tail")
        time.sleep(1)
    raise AssertionError("the archive is not installed")


def give_certificate(box: Ground) -> None:
    """Make a key here, and have the host sign a request for it, as `cairn certificate` does."""
    folder, openssl = box.folder, "openssl"
    subprocess.run(
        [openssl, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-subj", "/CN=CT-1", "-keyout", folder / "ct.pem", "-out", folder / "ct.csr"],
        check=True, capture_output=True,
    )  # fmt: skip
    subprocess.run(
        [openssl, "ec", "-in", folder / "ct.pem", "-out", folder / "ct.key"],
        check=True, capture_output=True,
    )  # fmt: skip
    request = (folder / "ct.csr").read_text()
    signed = box.ask(f"{PROGRAM} sign CT-1 <<'PEM'\n{request}PEM")
    (folder / "ct.crt").write_text(f"{signed}\n")
    (folder / "ca.crt").write_text(box.ask("cat /etc/cairn/pki/authority.crt") + "\n")


def scu(
    box: Ground, program: str, *files: Path, calling: str = "CT-1", shown: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a client of dcmtk over TLS."""
    way = ["+tls", box.folder / "ct.key", box.folder / "ct.crt"] if shown else ["+tla"]
    titles = ["-aet", calling, "-aec", RESEARCH, box.place.address, "11112"]
    return subprocess.run(
        [f"/usr/bin/{program}", *way, "+cf", box.folder / "ca.crt", *titles, *files],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def stored(box: Ground) -> int:
    return int(box.ask(f"{ASK}/statistics | grep -o 'CountInstances[^,]*' | grep -o '[0-9]*'"))


def waiting(box: Ground) -> int:
    return int(box.ask("ls /var/lib/cairn-intake/waiting | wc -l"))


def image(box: Ground, name: str, **wishes: object) -> Path:
    path = box.folder / f"{name}.dcm"
    path.write_bytes(written(slice_of_ct(**wishes)))
    return path


@pytest.mark.sandbox
def test_a_second_look_finds_nothing_to_change(box: Ground) -> None:
    assert apply(box, check=True) == []
    assert apply(box) == []


@pytest.mark.long
@pytest.mark.sandbox
def test_the_older_release_takes_images_too(older: Ground) -> None:
    assert apply(older, check=True) == []
    assert scu(older, "storescu", image(older, "one")).returncode == 0
    wait_for(lambda: stored(older) == 1 and waiting(older) == 0, "it does not arrive")
    units = " ".join(intake.UNITS)
    said = older.ask(f"systemd-analyze security {units} --threshold=30 >/dev/null && echo fine")
    assert said == "fine"


@pytest.mark.sandbox
def test_planted_identifiers_are_in_no_byte_of_the_host_after_they_passed(box: Ground) -> None:
    before = stored(box)
    path = box.folder / "planted.dcm"
    path.write_bytes(written(planted()))
    assert scu(box, "storescu", path).returncode == 0
    wait_for(lambda: stored(box) == before + 1, box.ask("journalctl -u 'cairn-*' | tail"))
    wait_for(lambda: waiting(box) == 0, "it stays in the spool")
    places = "/var/lib/orthanc /var/lib/cairn-intake /var/log /etc /run/log /tmp /var/tmp"
    for needle in (MARK, NAME_MARK, UID_MARK, DATE_MARK, "Quixotina"):
        # In brackets, because sudo writes what it runs into the journal that is searched here.
        sought = f"'[{needle[0]}]{needle[1:]}'"
        found = box.ssh(f"sudo grep -rail --binary-files=text {sought} {places}")
        journal = box.ssh(f"sudo journalctl --no-pager | grep -ic {sought}")
        assert (found.stdout, journal.stdout.strip()) == ("", "0"), needle


@pytest.mark.sandbox
def test_the_archive_knows_the_patient_by_its_pseudonym_only(box: Ground) -> None:
    before = stored(box)
    first, second = image(box, "one"), image(box, "two", Modality="MR", StudyDate="20260101")
    assert scu(box, "storescu", first, second).returncode == 0
    wait_for(lambda: stored(box) == before + 2, "they do not arrive")
    patients = box.ask(f"{ASK}/patients?expand | grep '\"PatientID\"' | sort | uniq -c")
    assert "HOSP" not in patients
    assert "PatientIdentityRemoved" in box.ask(
        f"{ASK}/instances | grep -o '[0-9a-f-]\\{{44\\}}' | head -n 1 | "
        f"while read -r id; do {ASK}/instances/$id/simplified-tags; done"
    )


@pytest.mark.sandbox
def test_who_is_not_listed_gets_no_association(box: Ground) -> None:
    assert scu(box, "echoscu").returncode == 0
    for wrong in ({"calling": "NOBODY"}, {"calling": "FAR-1"}, {"shown": False}):
        assert scu(box, "echoscu", **wrong).returncode != 0, wrong
    assert "open" not in box.ssh("ss -Hltn sport = :11113 | grep -q . && echo open").stdout


@pytest.mark.sandbox
def test_what_may_not_leave_stays_with_its_reason(box: Ground) -> None:
    before = stored(box)
    assert scu(box, "storescu", image(box, "us", Modality="US")).returncode == 0
    reasons = "cat /var/lib/cairn-intake/quarantine/*.reason"
    wait_for(lambda: "burned-in" in box.ssh(f"sudo sh -c '{reasons}'").stdout, "no reason")
    assert stored(box) == before
    wait_for(lambda: waiting(box) == 0, "it stays in the spool")


@pytest.mark.sandbox
def test_an_archive_that_is_down_costs_no_image(box: Ground) -> None:
    before = stored(box)
    box.ask("systemctl stop orthanc")
    assert scu(box, "storescu", image(box, "later")).returncode == 0
    wait_for(lambda: waiting(box) == 1, "it does not wait")
    box.ask("systemctl start orthanc")
    wait_for(lambda: waiting(box) == 0, "it is not passed on")
    assert stored(box) == before + 1


@pytest.mark.sandbox
def test_only_the_deidentifier_is_given_the_key(box: Ground) -> None:
    assert box.ask("stat -c '%a %U %G' /etc/cairn/intake/pseudonym.key") == "600 root root"
    key = "cat /etc/cairn/intake/pseudonym.key /run/credentials/cairn-deidentify.service/*"
    for user in ("cairn-intake", "orthanc"):
        assert box.ssh(f"sudo runuser -u {user} -- {key}").stdout == "", user
    environments = box.ask(
        "for unit in cairn-intake cairn-deidentify; do "
        "tr '\\0' '\\n' </proc/$(systemctl show -p MainPID --value $unit)/environ; "
        "tr '\\0' ' ' </proc/$(systemctl show -p MainPID --value $unit)/cmdline; done"
    )
    secret = box.ask("cat /etc/cairn/intake/pseudonym.key")
    assert len(secret) == 64
    assert secret not in environments


@pytest.mark.sandbox
@pytest.mark.parametrize("unit", intake.UNITS)
def test_the_units_are_hardened(box: Ground, unit: str) -> None:
    said = box.ask(f"systemd-analyze security {unit} | tail -n 1")
    score = float(said.split(":")[-1].split()[0])
    assert score <= 3.0, said


@pytest.mark.sandbox
def test_harm_done_by_hand_is_found_and_mended(box: Ground) -> None:
    box.ask(
        "chmod 0644 /etc/cairn/intake/pseudonym.key; "
        "echo >>/usr/local/lib/cairn/intake/cairn_intake/cleaning.py; "
        "systemctl stop cairn-intake; chmod 0755 /var/lib/cairn-intake/quarantine"
    )
    found = apply(box, check=True)
    apply(box)
    assert set(found) >= {
        "Make the folders of images on their way",
        "Make the key of pseudonyms on the host",
        "Install the program",
        "Start the intake, now and at every boot",
    }
    assert apply(box, check=True) == []
    assert scu(box, "echoscu").returncode == 0


@pytest.mark.sandbox
def test_a_key_that_is_gone_is_not_replaced(box: Ground) -> None:
    box.ask("mv /etc/cairn/intake/pseudonym.key /root/kept")
    try:
        outcome = box.apply(intake.plan(pacs(box)))
        assert "is gone or is another than the one in use" in str(outcome.failure)
    finally:
        box.ask("mv /root/kept /etc/cairn/intake/pseudonym.key")


@pytest.mark.sandbox
def test_removal_keeps_key_and_images_and_coming_back_goes_on(box: Ground) -> None:
    key = box.ask("sha256sum </etc/cairn/intake/pseudonym.key")
    apply(box, tasks_from="remove")
    gone = box.ssh("ls /usr/local/lib/cairn/intake /etc/systemd/system/cairn-intake.service")
    assert gone.stdout == ""
    assert scu(box, "echoscu").returncode != 0
    assert apply(box, tasks_from="remove") == []
    assert apply(box)
    assert box.ask("sha256sum </etc/cairn/intake/pseudonym.key") == key
    assert scu(box, "echoscu").returncode == 0
