"""A whole hospital node on one host, told in order: an upgrade, faults, there and back again.

Images come in and are read as `tools/demo_study.py` does it, with the clients of a hospital. Each
test goes on where the last one ended.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from pydicom.uid import EnhancedCTImageStorage
from ruamel.yaml import YAML

from cairn import sandbox
from cairn.sandbox import places
from e2e.houses import CHECKOUT
from e2e.machines import init_of
from intake.phantoms import slice_of_ct, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.houses import House
    from sandbox.hosts import Host

pytestmark = [pytest.mark.sandbox, pytest.mark.pulumi]

NODE, HOST = "demo-hospital-a", "imaging-1"
VOLUME, SPOOL = "/srv/imaging", "/var/lib/cairn-intake"
SCANNER, ADDRESS, RESEARCH = "CT-SCANNER-1", "198.51.100.21", "HOSPA-RESEARCH"
#: The release before the one in the lock.
OLDER = {
    "version": "3.0.1",
    "file": "pydicom-3.0.1-py3-none-any.whl",
    "sha256": "db32f78b2641bd7972096b8289111ddab01fb221610de8d7afa835eb938adb41",
}
#: Images of the study that the power cut meets, and after how many the power is cut.
MANY, CUT_AFTER = 500, 120
#: Seconds that what waits may take to reach the archive.
ARRIVES_S = 240
#: Series of an image and its number, for all images of the archive.
ASK_ARCHIVE = """\
import base64, json, urllib.request
word = open("/etc/cairn/archive/freeze.password").read().strip()
wanted = {"Level": "Instance", "Query": {}, "Expand": True,
          "RequestedTags": ["SeriesInstanceUID", "InstanceNumber"]}
request = urllib.request.Request("http://127.0.0.1:8042/tools/find", json.dumps(wanted).encode())
request.add_header("Authorization", "Basic " + base64.b64encode(f"freeze:{word}".encode()).decode())
found = json.load(urllib.request.urlopen(request, timeout=60))
tags = [one["RequestedTags"] | one["MainDicomTags"] for one in found]
print(json.dumps(sorted([t["SeriesInstanceUID"], int(t["InstanceNumber"])] for t in tags)))
"""
#: A client of the storage as its administrator.
AS_ADMINISTRATOR = """\
import json, boto3
lines = open("/etc/cairn/storage/root.env").read().split()
root = dict(line.split("=", 1) for line in lines)
s3 = boto3.client("s3", endpoint_url="https://127.0.0.1:7070", region_name="us-east-1",
                  verify="/etc/cairn/pki/authority.crt",
                  aws_access_key_id=root["ROOT_ACCESS_KEY_ID"],
                  aws_secret_access_key=root["ROOT_SECRET_ACCESS_KEY"])
"""
#: Policy, lock and object versions of every bucket, as the administrator of the storage sees them.
ASK_STORAGE = (
    AS_ADMINISTRATOR
    + """\
from botocore.exceptions import ClientError
def of(bucket):
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    kept = [(v["Key"], v["VersionId"], v["ETag"]) for p in pages for v in p.get("Versions", [])]
    try:
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        policy = error.response["Error"]["Code"]
    return {"policy": policy, "kept": sorted(kept),
            "versioning": s3.get_bucket_versioning(Bucket=bucket).get("Status")}
print(json.dumps({b["Name"]: of(b["Name"]) for b in s3.list_buckets()["Buckets"]}, sort_keys=True))
"""
)


@dataclass
class Hospital:
    """The node, and the scanner that sends to it.

    Attributes:
        house: Where it is declared.
        clinic: `tools/demo_study.py`, the clients of the hospital.
    """

    house: House
    clinic: Any

    @property
    def host(self) -> Host:
        return self.house.host(NODE, HOST)

    def root(self, command: str) -> str:
        """Return what a shell command says as root of the host; it must succeed."""
        return self.host.says(f"sudo sh -c {shlex.quote(command)}")

    def ask(self, program: str) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.root(f"python3 -c {shlex.quote(program)}"))

    def images(self) -> list[tuple[str, int]]:
        """Return series and number of every image of the archive."""
        return [(series, number) for series, number in self.ask(ASK_ARCHIVE)]

    def buckets(self) -> dict[str, Any]:
        return dict(self.ask(ASK_STORAGE))

    def waiting(self) -> int:
        return int(self.root("ls /var/lib/cairn-intake/waiting | wc -l"))

    def settled(self) -> list[tuple[str, int]]:
        """Wait until nothing waits for the archive any more, and return its images."""
        deadline = time.monotonic() + ARRIVES_S
        while self.waiting():
            assert time.monotonic() < deadline, self.root("journalctl -u 'cairn-*' | tail -n 20")
            time.sleep(0.5)
        return self.images()

    @contextlib.contextmanager
    def scanner(self) -> Iterator[Scanner]:
        """Yield the scanner with its certificate, at its address of the hospital's network."""
        with self.house.acting(), self.clinic.station(NODE, (ADDRESS,)) as here:
            (here.folder / "node.crt").write_text(
                self.house.cairn("certificate", NODE, "--authority").out
            )
            here.certify(SCANNER)
            yield Scanner(here)


@dataclass
class Scanner:
    """A scanner of the hospital, which is dcmtk in a network namespace of its own."""

    station: Any

    def series(self, number: int, count: int, size: int = 8, **more: Any) -> Path:  # noqa: ANN401
        """Write a series of square images, each with a number, and return its folder.

        Args:
            number: Which series it is.
            count: How many images it has.
            size: Their rows and columns.
            more: Other attributes of theirs, by keyword.
        """
        folder: Path = self.station.folder / f"series-{number}"
        folder.mkdir()
        for one in range(1, count + 1):
            uid = f"1.2.826.0.1.3680043.99.{number}"
            image = slice_of_ct(
                SOPInstanceUID=f"{uid}.1.{one}", SeriesInstanceUID=f"{uid}.2",
                StudyInstanceUID=f"{uid}.3", PatientID=f"HOSP-{number}", InstanceNumber=one,
                Rows=size, Columns=size,
                PixelData=os.urandom(2 * size * size) * int(more.get("NumberOfFrames", 1)), **more,
            )  # fmt: skip
            (folder / f"{one:04}.dcm").write_bytes(written(image))
        return folder

    def begin(self, folder: Path) -> subprocess.Popen[str]:
        """Begin to send a folder; what is said names each image and each answer."""
        here = self.station
        client = ["/usr/sbin/ip", "netns", "exec", here.space, "storescu", "-v"]
        titles = ["-aet", SCANNER, "-aec", RESEARCH, here.host, "11112"]
        return subprocess.Popen(
            [*client, *here.shown(SCANNER), *titles, *sorted(folder.iterdir())],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def send(self, folder: Path) -> str:
        """Send a folder and return what the client says."""
        sending = self.begin(folder)
        said, _ = sending.communicate(timeout=300)
        return said


def confirmed(said: str) -> list[int]:
    """Return the numbers of the images that the node has confirmed, from what storescu says."""
    numbers, last = [], 0
    for line in said.splitlines():
        sending = re.search(r"Sending file: .*/(\d{4})\.dcm", line)
        last = int(sending[1]) if sending else last
        if "Received Store Response (Success)" in line:
            numbers.append(last)
    return numbers


@pytest.fixture(scope="module")
def volume(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have the node's data volume on a disk of 6 GiB of its own."""
    disk = tmp_path_factory.mktemp("disk") / "volume.ext4"
    with house.acting():
        place = places.volumes(NODE, HOST) / VOLUME.lstrip("/")
    place.mkdir(parents=True)
    for command in (f"truncate -s 6G {disk}", f"mkfs.ext4 -q -m 0 {disk}",
                    f"mount -o loop {disk} {place}"):  # fmt: skip
        subprocess.run(command.split(), check=True)
    yield
    with house.acting():
        sandbox.remove(NODE, HOST)
    subprocess.run(["/usr/bin/umount", place], check=True)


@pytest.fixture(scope="module")
def hospital(house: House, volume: None) -> Hospital:
    """The demo hospital, not yet there: declared, with the older library in its lock."""
    for name in ("demo-hospital-a.yaml", "demo.federation.json"):
        shutil.copy(CHECKOUT / "nodes" / name, house.root / "nodes")
    lock(house, **OLDER)
    fetch = [sys.executable, "-m", "cairn.artefacts.fetch"]
    subprocess.run(fetch, env=house.environment(), cwd=house.root, check=True)
    place = importlib.util.spec_from_file_location("clinic", CHECKOUT / "tools" / "demo_study.py")
    assert place is not None
    assert place.loader is not None
    clinic = importlib.util.module_from_spec(place)
    sys.modules["clinic"] = clinic
    place.loader.exec_module(clinic)
    return Hospital(house, clinic)


def lock(house: House, **pydicom: str) -> None:
    """Lock another version of the library that reads images."""
    file = house.root / "tools" / "artefacts.lock.yaml"
    yaml = YAML()
    content = yaml.load(file)
    content["pydicom"].update(pydicom)
    yaml.dump(content, file)


def test_a_study_goes_all_the_way_through_a_fresh_node(hospital: Hospital) -> None:
    hospital.house.cairn("up", NODE, "--yes")
    assert "pydicom-3.0.1" in hospital.root("ls /usr/local/lib/cairn/intake")
    with hospital.house.acting():
        hospital.clinic.main(NODE)
    assert len(hospital.images()) == hospital.clinic.SLICES


def test_newer_roles_and_another_setting_keep_all_that_is_there(hospital: Hospital) -> None:
    images, buckets = hospital.images(), hospital.buckets()
    shutil.copy(CHECKOUT / "tools" / "artefacts.lock.yaml", hospital.house.root / "tools")
    spec = hospital.house.root / "nodes" / f"{NODE}.yaml"
    spec.write_text(spec.read_text().replace("pacs:\n", "pacs:\n  compress: false\n"))
    said = hospital.house.cairn("preview", NODE).out
    assert "pydicom-3.0.1" in said
    hospital.house.cairn("up", NODE, "--yes")
    assert "pydicom-3.0.1" not in hospital.root("ls /usr/local/lib/cairn/intake")
    assert '"StorageCompression": false' in hospital.root("cat /etc/orthanc/*.json")
    assert hospital.images() == images
    assert hospital.buckets() == buckets
    with hospital.scanner() as scanner:
        assert confirmed(scanner.send(scanner.series(2, 5))) == [1, 2, 3, 4, 5]
    assert len(hospital.settled()) == len(images) + 5


def test_a_power_cut_in_the_middle_of_a_study_costs_no_confirmed_image(hospital: Hospital) -> None:
    before = hospital.images()
    with hospital.scanner() as scanner:
        folder = scanner.series(3, MANY)
        sending = scanner.begin(folder)
        said = cut_the_power_after(CUT_AFTER, sending, hospital)
        kept = confirmed(said)
        assert CUT_AFTER <= len(kept) < MANY
        hospital.house.cairn("up", NODE, "--yes")
        arrived = numbers(hospital.settled(), before)
        # The image that was under way may be there too: on the disk, its answer never sent.
        assert set(kept) <= set(arrived) <= {*kept, len(kept) + 1}
        assert len(arrived) == len(set(arrived))
        assert confirmed(scanner.send(folder)) == list(range(1, MANY + 1))
    assert numbers(hospital.settled(), before) == list(range(1, MANY + 1))


def cut_the_power_after(count: int, sending: subprocess.Popen[str], hospital: Hospital) -> str:
    """Kill the host when so many images are confirmed, and return all that the client said."""
    init, said = init_of(hospital.host), ""
    assert sending.stdout is not None
    for line in sending.stdout:
        said += line
        if said.count("Received Store Response (Success)") == count:
            init.kill()
    sending.wait(timeout=120)
    return said


def numbers(images: list[tuple[str, int]], before: list[tuple[str, int]]) -> list[int]:
    """Return the numbers of the images that were not there before."""
    known = {series for series, _ in before}
    return sorted(number for series, number in images if series not in known)


@pytest.mark.long
def test_a_full_disk_turns_senders_away_and_loses_nothing(hospital: Hospital) -> None:
    before = hospital.images()
    with spool_on_a_small_disk(hospital), hospital.scanner() as scanner:
        hospital.root("systemctl stop orthanc")
        sending = scanner.begin(scanner.series(4, MANY))
        kept = confirmed(fill_after(20, sending, hospital))
        assert 20 <= len(kept) < MANY
        assert hospital.root(f"df --output=avail {SPOOL} | tail -n 1") == "0"
        refused = scanner.send(scanner.series(5, 1))
        assert "Association Rejected" in refused
        assert confirmed(refused) == []
        journal = hospital.root("journalctl --no-pager -u cairn-intake | grep refused | tail -n 1")
        assert "association refused: the disk is nearly full (" in journal
        hospital.root(f"rm {SPOOL}/full && systemctl start orthanc")
        assert numbers(hospital.settled(), before) == kept
        assert confirmed(scanner.send(scanner.station.folder / "series-5")) == [1]
        hospital.settled()


def fill_after(count: int, sending: subprocess.Popen[str], hospital: Hospital) -> str:
    """Fill the disk of the spool when so many images are confirmed; return what the client said."""
    said = ""
    assert sending.stdout is not None
    for line in sending.stdout:
        said += line
        if said.count("Received Store Response (Success)") == count:
            hospital.root(f"dd if=/dev/zero of={SPOOL}/full bs=1M 2>/dev/null || true")
            count = -1
    sending.wait(timeout=300)
    return said


@contextlib.contextmanager
def spool_on_a_small_disk(hospital: Hospital) -> Iterator[None]:
    """Have the spool on a file system of its own, a little larger than what must stay free."""
    stop, start = (f"systemctl {verb} cairn-intake cairn-deidentify" for verb in ("stop", "start"))
    mount = f"mount -t tmpfs -o size=2200m,mode=$(stat -c %a {SPOOL}) spool {SPOOL}"
    own = f"chown $(stat -c %U:%G {SPOOL}.kept) {SPOOL}"
    hospital.root(f"{stop} && cp -a {SPOOL} {SPOOL}.kept && {mount} && {own} "
                  f"&& cp -a {SPOOL}.kept/. {SPOOL} && {start}")  # fmt: skip
    yield
    hospital.root(f"{stop} && rm -r {SPOOL}.kept && cp -a {SPOOL} {SPOOL}.kept && umount {SPOOL} "
                  f"&& cp -a {SPOOL}.kept/. {SPOOL} && rm -r {SPOOL}.kept && {start}")  # fmt: skip


@pytest.mark.long
def test_a_full_volume_holds_images_up_and_loses_none(hospital: Hospital) -> None:
    before = hospital.images()
    fill = f"fallocate -l $(df --output=avail -B1 {VOLUME} | tail -n 1) {VOLUME}/full"
    hospital.root(f"{fill} || dd if=/dev/zero of={VOLUME}/full bs=64k oflag=append conv=notrunc; "
                  f"test $(df --output=avail {VOLUME} | tail -n 1) -lt 64")  # fmt: skip
    with hospital.scanner() as scanner:
        assert confirmed(scanner.send(scanner.series(6, 40, size=512))) == list(range(1, 41))
    time.sleep(5)
    assert hospital.waiting() > 0
    log = hospital.root("journalctl --no-pager -u cairn-deidentify | tail -n 1")
    assert "an image waits" in log
    hospital.root(f"rm {VOLUME}/full")
    assert numbers(hospital.settled(), before) == list(range(1, 41))


@pytest.mark.long
def test_an_image_of_a_gibibyte_passes_whole(hospital: Hospital) -> None:
    before = hospital.images()
    frames = {"NumberOfFrames": 2048, "SOPClassUID": EnhancedCTImageStorage}
    with hospital.scanner() as scanner:
        assert confirmed(scanner.send(scanner.series(8, 1, size=512, **frames))) == [1]
    assert numbers(hospital.settled(), before) == [1]
    assert int(hospital.root(f"find {VOLUME}/archive -type f -size +1G | wc -l")) == 1


@pytest.mark.long
def test_what_a_destroyed_node_had_is_back_with_the_next_up(hospital: Hospital) -> None:
    images, buckets = hospital.images(), hospital.buckets()
    assert len(images) > MANY
    assert buckets["lung-ct"]["kept"]
    hospital.house.cairn("destroy", NODE, "--yes")
    hospital.house.cairn("up", NODE, "--yes")
    assert hospital.images() == images
    assert hospital.buckets() == buckets
    assert " 0 missing, 0 changed" in hospital.house.cairn("dataset", "verify", NODE).out
    with hospital.scanner() as scanner:
        assert confirmed(scanner.send(scanner.series(7, 1))) == [1]
    assert len(hospital.settled()) == len(images) + 1
    hospital.house.cairn("verify", NODE)


BY_HAND = "/etc/ssh/sshd_config.d/00-by-hand.conf"
#: What somebody does by hand as root of the host, and the check that tells it. The clock of a
#: sandbox belongs to the computer below (HST-13 says so), so an old cipher of SSH stands for it.
TAMPERED = {
    "HST-01": f"echo PasswordAuthentication yes >{BY_HAND}",
    "HST-02": f"echo Ciphers aes128-cbc,aes256-ctr >>{BY_HAND}; systemctl reload ssh",
    "HST-04": "systemd-run --quiet --unit=by-hand python3 -m http.server 8099",
    "SEC-01": "chmod 0644 /etc/cairn/storage/root.env",
    "HST-03": "nft flush ruleset",
    # As if the package had not been updated for years; its own tools put it right again.
    "HST-14": """cd /var/lib
        sed -i '/^Package: ca-certificates$/,/^$/s/^Version: .*/Version: 20200601/' dpkg/status
        touch -d '-60 days' apt/periodic/unattended-upgrades-stamp""",
    "SVC-01": "systemctl disable --quiet --now cairn-flows.timer",
    "PAC-05": """sed -i 's/ssl_protocols .*/ssl_protocols TLSv1.1 TLSv1.2;/
        s/ssl_ciphers .*/ssl_ciphers ALL:@SECLEVEL=0;/' /etc/cairn/archive/nginx.conf
        systemctl restart cairn-gate""",
    "HST-15": "useradd --create-home --groups sudo visitor",
}
WIDENED = (
    AS_ADMINISTRATOR
    + """\
places = ["arn:aws:s3:::lung-ct", "arn:aws:s3:::lung-ct/*"]
policy = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": places}]}
s3.put_bucket_policy(Bucket="lung-ct", Policy=json.dumps(policy))
print("{}")
"""
)


def failed(hospital: Hospital, status: int) -> dict[str, str]:
    """Return the checks that fail on the live node, each with its remedy."""
    said = hospital.house.cairn("verify", NODE, "--format", "json", status=status).json
    wrong = [one for one in said["findings"] if one["verdict"] in {"fail", "not-evaluated"}]
    return {one["check"]: one["remediation"] for one in wrong}


@pytest.mark.long
def test_ten_ways_of_tampering_are_told_with_a_remedy_and_mended(hospital: Hospital) -> None:
    hospital.ask(WIDENED)
    for by_hand in TAMPERED.values():
        hospital.root(by_hand)
    told = failed(hospital, 5)
    assert {*TAMPERED, "STO-04"} <= set(told), told
    assert all(told.values())
    # What is not Cairn's is taken away as the remedies say; the rest is what `up` is for.
    hospital.root(f"rm {BY_HAND}; systemctl stop by-hand; "
                  "userdel --remove visitor 2>/dev/null; unattended-upgrade")  # fmt: skip
    hospital.house.cairn("up", NODE, "--yes", "--refresh")
    assert failed(hospital, 0) == {}
