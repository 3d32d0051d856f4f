"""Sends a made-up CT study to a demo hospital as its scanner would, and reads it as its readers do.

usage: .venv/bin/python tools/demo_study.py NODE

Everything is real but the patient: a network namespace with the addresses of the scanner, the
workstation and the reading room of the spec, dcmtk and curl in it, certificates that the node
issues for keys made here. Then the images become a data set, and the agent's account reads it.
What was asked and answered is printed; the first answer that is not as it should be ends it. Needs
root. Leaves the images in the node's archive and the data set in its storage, and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from cairn.checks.connect import connected
from cairn.spec.loader import load_node
from cairn.stack.places import connections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.spec.imaging import Pacs

PATIENT, NUMBER = "Quixotina^Dulcinea", "HOSP-4711"
SLICES, SIZE = 20, 512
#: Where `ip netns` keeps namespaces.
SPACES = Path("/run/netns")
#: A root of UIDs that nobody was given; the same at every run, so that a second demo adds nothing.
ROOT = "1.2.826.0.1.3680043.99.1"
INTAKE, GATE, DICOM = "11112", "8443", "4243"
#: What the agent tries on the host: to read all of its bucket, and to write into it.
AGENT = """
import json, os
os.environ["AWS_SHARED_CREDENTIALS_FILE"] = "/etc/cairn/storage/consumers/fl-agent.credentials"
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
s3 = boto3.client("s3", endpoint_url="https://127.0.0.1:7070", region_name="us-east-1",
                  verify="/etc/cairn/pki/authority.crt",
                  config=Config(request_checksum_calculation="when_required"))
listed = s3.get_paginator("list_objects_v2").paginate(Bucket="BUCKET")
keys = [one["Key"] for page in listed for one in page.get("Contents", ()) if ".dcm" in one["Key"]]
bodies = [s3.get_object(Bucket="BUCKET", Key=key)["Body"].read() for key in keys]
read = sum(body[128:132] == b"DICM" for body in bodies)
try:
    s3.put_object(Bucket="BUCKET", Key="mine", Body=b"")
    wrote = "was allowed"
except ClientError as error:
    wrote = error.response["Error"]["Code"]
print(json.dumps({"read": read, "write": wrote}))
"""
#: Seconds that de-identification and archive get for the study.
PATIENCE = 60


@dataclass(frozen=True)
class Station:
    """Machines of the hospital as the node sees them.

    Attributes:
        node: Name of the node.
        host: Address of the host with the PACS.
        space: The network namespace.
        folder: Keys, certificates and images.
    """

    node: str
    host: str
    space: str
    folder: Path

    def ask(self, address: str, *command: str) -> str:
        """Run a client as the machine at an address and return what it says."""
        route = ["ip", "-n", self.space, "route", "replace", self.host, "dev", "in", "src", address]
        subprocess.run(route, check=True)
        shown = [word.replace(f"{self.folder}/", "") for word in command]
        say(f"  {address}$ {' '.join(shown)}")
        done = subprocess.run(
            ["ip", "netns", "exec", self.space, *command],
            # pynetdicom brings programs of the same names into the virtual environment.
            cwd=self.folder, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            end(f"that ended with {done.returncode}: {(done.stderr or done.stdout).strip()}")
        return done.stdout + done.stderr

    def certify(self, name: str) -> None:
        """Make a key here and have the node sign a request for it."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
        request = builder.sign(key, hashes.SHA256())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        (self.folder / f"{name}.key").write_bytes(private)
        (self.folder / f"{name}.csr").write_bytes(request.public_bytes(Encoding.PEM))
        files = ("--csr", f"{self.folder}/{name}.csr", "--out", f"{self.folder}/{name}.crt")
        cairn("certificate", self.node, *files)

    def shown(self, name: str) -> list[str]:
        """Return dcmtk's options for the certificate of a client."""
        key, own = f"{self.folder}/{name}.key", f"{self.folder}/{name}.crt"
        return ["+tls", key, own, "+cf", f"{self.folder}/node.crt"]


def main(node: str) -> None:
    """Tell the story."""
    spec: Any = load_node(node).spec
    pacs: Pacs = spec.pacs
    scanner = next(one for one in pacs.accepts if "store" in one.may)
    workstation = next(one for one in pacs.accepts if "find" in one.may)
    reader = pacs.consumers[0]
    addresses = (scanner.address, workstation.address, str(reader.networks[0]).split("/")[0])
    with station(node, addresses) as here:
        (here.folder / "node.crt").write_text(cairn("certificate", node, "--authority"))
        for name in (scanner.aet, workstation.aet, reader.name):
            here.certify(name)
        send(here, pacs, scanner.aet, scanner.address)
        pseudonym = search(here, reader.name, addresses[2])
        find(here, pacs, workstation.aet, workstation.address, pseudonym)
        fetch(here, reader.name, addresses[2])
    freeze(node, spec)
    read_as_agent(node, spec)


def send(here: Station, pacs: Pacs, title: str, address: str) -> None:
    """Send the study over TLS, as a scanner does."""
    images = [write_slice(here.folder, number) for number in range(1, SLICES + 1)]
    say(f"The scanner sends {len(images)} images of {PATIENT}, {NUMBER}:")
    names = [image.name for image in images[:1]]
    where = ["-aet", title, "-aec", pacs.aet, here.host, INTAKE]
    here.ask(address, "storescu", *here.shown(title), *where, "+sd", "+r", "images")
    say(f"  {len(images)} images were taken ({names[0]} …)")


def search(here: Station, reader: str, address: str) -> str:
    """Wait until QIDO-RS finds the study, and return the pseudonym that it is found under."""
    say("The reading room searches (QIDO-RS), with its certificate:")
    until = time.monotonic() + PATIENCE
    wanted = "00100010,00100020,00201208"
    url = f"https://{here.host}:{GATE}/dicom-web/studies?includefield={wanted}"
    while True:
        found = json.loads(here.ask(address, *curl(here, reader), url) or "[]")
        if found and sum(count(study) for study in found) >= SLICES:
            break
        if time.monotonic() > until:
            end(f"the study is not in the archive after {PATIENCE} s")
        time.sleep(2)
    text = json.dumps(found)
    for word in (NUMBER, *PATIENT.split("^")):
        if word in text:
            end(f"the answer says {word}")
    pseudonym = str(found[-1]["00100020"]["Value"][0])
    say(f"  it finds {count(found[-1])} images of patient {pseudonym}, and no {NUMBER}")
    return pseudonym


def find(here: Station, pacs: Pacs, title: str, address: str, pseudonym: str) -> None:
    """Find the study with C-FIND, as a workstation does."""
    say("The workstation searches (C-FIND), with its own:")
    keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", f"PatientID={pseudonym}", "-k", "StudyDate"]
    where = ["-aet", title, "-aec", pacs.archive_aet, here.host, DICOM]
    answer = here.ask(address, "findscu", *here.shown(title), "-S", *keys, *where)
    if pseudonym not in answer:
        end(f"it does not find {pseudonym}: {answer.strip()}")
    say(f"  it finds {pseudonym} as well")


def fetch(here: Station, reader: str, address: str) -> None:
    """Fetch the images with WADO-RS and look whether a name is in any byte of them."""
    say("The reading room fetches them (WADO-RS):")
    base = f"https://{here.host}:{GATE}/dicom-web/studies"
    found = json.loads(here.ask(address, *curl(here, reader), base))
    study = found[-1]["0020000D"]["Value"][0]
    accept = ["-H", 'Accept: multipart/related; type="application/dicom"']
    here.ask(address, *curl(here, reader), *accept, "-o", "fetched", f"{base}/{study}")
    fetched = (here.folder / "fetched").read_bytes()
    if fetched.count(b"DICM") < SLICES:
        end(f"it gets {fetched.count(b'DICM')} images of {SLICES}")
    for word in (NUMBER, *PATIENT.split("^")):
        if word.encode() in fetched:
            end(f"one of them says {word}")
    say(f"  {fetched.count(b'DICM')} images, {len(fetched) >> 20} MiB; no name is in any byte")


def freeze(node: str, spec: Any) -> None:  # noqa: ANN401 - any kind of spec
    """Freeze the images into a data set, unless an earlier demo did."""
    say("What the archive has becomes a data set that a permit lets be used:")
    listed = json.loads(cairn("dataset", "list", node, "--format", "json"))["datasets"]
    if not listed[0]["versions"]:
        permit = spec.permits[0].id
        say(f"  $ cairn dataset freeze {node} --query Modality=CT --permit {permit}")
        cairn("dataset", "freeze", node, "--query", "Modality=CT", "--permit", permit)
    say(cairn("dataset", "list", node).rstrip())
    say(f"  {cairn('dataset', 'verify', node).strip()}")


def read_as_agent(node: str, spec: Any) -> None:  # noqa: ANN401 - any kind of spec
    """Read the data set on the host with boto3 as the agent, which may do that and no more."""
    document, host = load_node(node), spec.hosts[0].name
    program = AGENT.replace("BUCKET", spec.datasets[0].name)
    with connected(host, connections(document)[host]) as shell:
        told = shell.run(f"runuser -u cairn-fl-agent -- python3 -c {shlex.quote(program)}")
    if told.rc:
        end(f"the agent does not read the data set: {told.stderr.strip()}")
    answer = json.loads(told.stdout)
    say(f"The agent reads it with its own credential (boto3): {answer}")
    if answer["read"] < SLICES or answer["write"] != "AccessDenied":
        end("that is not what it may")


def count(study: dict[str, Any]) -> int:
    """Return the number of images of a study that QIDO-RS found."""
    return int(study.get("00201208", {}).get("Value", [0])[0])


def curl(here: Station, name: str) -> list[str]:
    """Return curl with the certificate of a client."""
    own = ["--cert", f"{here.folder}/{name}.crt", "--key", f"{here.folder}/{name}.key"]
    return ["curl", "--silent", "--fail", "--cacert", f"{here.folder}/node.crt", *own]


def write_slice(folder: Path, number: int) -> Path:
    """Write one made-up slice as a file of DICOM PS3.10."""
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, f"{ROOT}.1.{number}"
    image.StudyInstanceUID, image.SeriesInstanceUID = f"{ROOT}.2", f"{ROOT}.3"
    image.PatientName, image.PatientID = PATIENT, NUMBER
    image.PatientBirthDate, image.PatientSex, image.PatientAge = "19610203", "F", "063Y"
    image.StudyDate, image.StudyTime, image.AccessionNumber = "20240310", "101500", "ACC-4711"
    image.AcquisitionDate, image.AcquisitionTime = "20240310", "101520"
    image.ReferringPhysicianName, image.InstitutionName = "Panza^Sancho", "Example Hospital"
    image.Modality, image.Manufacturer, image.BodyPartExamined = "CT", "Example Imaging", "CHEST"
    image.ImageType, image.InstanceNumber = ["ORIGINAL", "PRIMARY", "AXIAL"], number
    image.SliceThickness, image.PixelSpacing = "1.0", ["0.7", "0.7"]
    image.ImagePositionPatient, image.ImageOrientationPatient = [0, 0, number], [1, 0, 0, 0, 1, 0]
    image.Rows = image.Columns = SIZE
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    image.SamplesPerPixel, image.PixelRepresentation = 1, 0
    image.PhotometricInterpretation = "MONOCHROME2"
    row = [(column * number) % 4096 for column in range(SIZE)]
    image.PixelData = b"".join(value.to_bytes(2, "little") for value in row) * SIZE
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path = folder / "images" / f"slice-{number:02}.dcm"
    path.parent.mkdir(exist_ok=True)
    dcmwrite(path, image, enforce_file_format=True)
    return path


@contextlib.contextmanager
def station(node: str, addresses: tuple[str, ...]) -> Iterator[Station]:
    """Yield a network namespace on the node's sandbox network that has some addresses."""
    hosts = json.loads(cairn("sandbox", "list", "--format", "json"))["hosts"]
    host = next((each["address"] for each in hosts if each["node"] == node), None)
    if host is None:
        end(f"{node} has no sandbox host; run `cairn up {node}` first")
    bridge = json.loads(output("ip", "-json", "route", "get", host))[0]["dev"]
    space = f"{bridge}-clinic"
    link, inner = f"vc-{bridge[-6:]}", ["ip", "-n", space]
    drop(space, link)
    try:
        output("ip", "netns", "add", space)
        output("ip", "link", "add", link, "type", "veth", "peer", "in", "netns", space)
        output("ip", "link", "set", link, "master", bridge, "up")
        output(*inner, "link", "set", "in", "up")
        output(*inner, "link", "set", "lo", "up")
        for address in addresses:
            output(*inner, "address", "add", f"{address}/32", "dev", "in")
            output("ip", "route", "replace", address, "dev", bridge)
        output(*inner, "route", "add", host, "dev", "in", "src", addresses[0])
        with tempfile.TemporaryDirectory() as folder:
            yield Station(node, host, space, Path(folder))
    finally:
        for address in addresses:
            subprocess.run(["ip", "route", "del", address, "dev", bridge], check=False)
        drop(space, link)


def drop(space: str, link: str) -> None:
    """Take a namespace and its cable away, if they are there; the cable may go with it.

    The first namespace of a computer leaves a mount of their folder behind, ip-netns(8); it goes
    with the last one.
    """
    for words in (("netns", "delete", space), ("link", "delete", link)):
        subprocess.run(["ip", *words], check=False, capture_output=True)
    if SPACES.is_dir() and not any(SPACES.iterdir()):
        # Quietly: it is mounted on itself, so the folder does not show whether it is.
        subprocess.run(["umount", str(SPACES)], check=False, capture_output=True)


def cairn(*arguments: str) -> str:
    """Run a verb and return what it prints."""
    return output(str(Path(sys.executable).parent / "cairn"), *arguments)


def output(*command: str) -> str:
    """Run a program that must end well and return what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        end(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def end(why: str) -> Any:  # noqa: ANN401 - never returns
    """End with a message."""
    raise SystemExit(f"demo: {why}")


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and the node
        end("usage: tools/demo_study.py NODE")
    main(sys.argv[1])
