"""Clients of an archive as a hospital has them: curl, dcmtk and openssl, each with its own key."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from roles.harness import Ground

SIGN = "sudo /usr/local/libexec/cairn/node-certificate sign"
#: A CT image as dump2dcm(1) reads it; `{uid}` ends its UIDs.
IMAGE = """\
(0008,0016) UI =CTImageStorage
(0008,0018) UI [1.2.826.0.1.3680043.10.9.{uid}]
(0008,0060) CS [CT]
(0010,0010) PN [Planted^Name]
(0010,0020) LO [PSEUDO-{uid}]
(0010,0040) CS [F]
(0020,000d) UI [1.2.826.0.1.3680043.10.{uid}]
(0020,000e) UI [1.2.826.0.1.3680043.10.{uid}.1]
(0028,0002) US 1
(0028,0004) CS [MONOCHROME2]
(0028,0010) US 2
(0028,0011) US 2
(0028,0100) US 16
(0028,0101) US 16
(0028,0102) US 15
(0028,0103) US 0
(7fe0,0010) OW 0001\\0002\\0003\\0004
"""


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program of this computer, not one of the same name that pynetdicom brings along."""
    argv = [f"/usr/bin/{words[0]}", *map(str, words[1:])]
    return subprocess.run(
        argv, capture_output=True, text=True, errors="replace", check=False, timeout=60
    )


@dataclass(frozen=True)
class Client:
    """Somebody with a key and a certificate, who knows the authority of a host.

    Attributes:
        name: Common name of the certificate.
        folder: Where `NAME.key`, `NAME.crt` and `ca.crt` lie.
        address: The host.
    """

    name: str
    folder: Path
    address: str

    @property
    def key(self) -> Path:
        """Its private key."""
        return self.folder / f"{self.name}.key"

    @property
    def crt(self) -> Path:
        """Its certificate."""
        return self.folder / f"{self.name}.crt"

    def curl(self, path: str, *options: str | Path) -> tuple[str, str]:
        """Ask the gate; return HTTP status and body, or curl's exit status and what it says."""
        done = run(
            "curl", "--silent", "--show-error", "--max-time", "20", "--path-as-is",
            "--cacert", self.folder / "ca.crt", "--write-out", "\n%{http_code}",
            *(["--cert", self.crt, "--key", self.key] if self.crt.exists() else []),
            *options, f"https://{self.address}:8443{path}",
        )  # fmt: skip
        if done.returncode:
            return f"curl {done.returncode}", done.stderr
        body, _, status = done.stdout.rpartition("\n")
        return status, body

    def store(self, uid: int) -> tuple[str, str]:
        """Send an image by STOW-RS."""
        body = self.folder / "body"
        head = b"--B\r\nContent-Type: application/dicom\r\n\r\n"
        body.write_bytes(head + image(self.folder, uid).read_bytes() + b"\r\n--B--\r\n")
        kind = 'Content-Type: multipart/related; type="application/dicom"; boundary=B'
        answer = "Accept: application/dicom+json"
        return self.curl(
            "/dicom-web/studies", "-H", kind, "-H", answer, "--data-binary", f"@{body}"
        )

    def dicom(self, program: str, *words: str | Path, title: str = "") -> str:
        """Run a program of dcmtk against the archive over TLS; return what it says."""
        done = run(
            program, "+tls", self.key, self.crt, "+cf", self.folder / "ca.crt",
            "-aet", title or self.name, "-aec", "CAIRN-ARCHIVE", self.address, "4243", *words,
        )  # fmt: skip
        return done.stdout + done.stderr


def image(folder: Path, uid: int) -> Path:
    """Make a DICOM file and return where it is."""
    text, file = folder / "image.dump", folder / f"{uid}.dcm"
    text.write_text(IMAGE.format(uid=uid))
    done = run("dump2dcm", "+te", text, file)
    assert done.returncode == 0, done.stderr
    return file


def client(box: Ground, folder: Path, name: str) -> Client:
    """Make a key and a request here, and have the host sign it."""
    stranger(box, folder, name)
    request = (folder / f"{name}.csr").read_text()
    (folder / f"{name}.crt").write_text(box.ask(f"{SIGN} {name} <<'CSR'\n{request}CSR") + "\n")
    return Client(name, folder, box.place.address)


def stranger(box: Ground, folder: Path, name: str) -> Client:
    """Make a key, a request, and a certificate that nobody but its owner signed."""
    (folder / "ca.crt").write_text(box.ask("cat /etc/cairn/pki/authority.crt") + "\n")
    stem = folder / name
    made = run(
        "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", f"{stem}.key", "-subj", f"/CN={name}", "-out", f"{stem}.csr",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    own = run("openssl", "x509", "-req", "-in", f"{stem}.csr", "-key", f"{stem}.key", "-out",
              f"{stem}.crt")  # fmt: skip
    assert own.returncode == 0, own.stderr
    return Client(name, folder, box.place.address)
