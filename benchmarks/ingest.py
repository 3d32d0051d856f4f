"""Images a second through the intake into the archive, beside a bare Orthanc as Debian starts it.

Run as root: `python benchmarks/ingest.py [IMAGES]`. On one sandbox host, one after the other:
Orthanc alone, which de-identifies nothing, and the chain of intake, de-identification and the same
Orthanc behind it. Slices of 512x512 pixels and 16 bit are sent by dcmtk's `storescu`, over one
association and over four. A time ends when the archive has the last image. Only ratios of one run
say something; the rest is about the machine. Tests' own helpers bring the host up.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cairn import house, sandbox
from cairn.plan.roles import certificate, intake

sys.path.append(str(house.root() / "tests"))
sys.path.append(str(house.root() / "roles" / "intake" / "files"))

phantoms = importlib.import_module("intake.phantoms")
harness = importlib.import_module("roles.harness")
test_intake = importlib.import_module("roles.test_intake")

NODE = "bench-ingest"
SIDE = 512
#: How long the archive may take for what was sent.
PATIENCE_S = 600
UID = "1.2.826.0.1.3680043.10.54321.9999999"
ORTHANC = "http://127.0.0.1:8042"
UNITS = ("cairn-intake", "cairn-deidentify", "orthanc")
MEMORY = "ps -o user:20=,rss= -u cairn-intake -u cairn-deidentify"


class Slices:
    """Slices with a UID of their own each, made by replacing bytes."""

    def __init__(self, folder: Path) -> None:
        pixels = bytes(range(256)) * (SIDE * SIDE * 2 // 256)
        self.folder, self.made = folder, 0
        self.template = phantoms.written(
            phantoms.slice_of_ct(SOPInstanceUID=UID, Rows=SIDE, Columns=SIDE, PixelData=pixels)
        )

    def some(self, count: int) -> list[Path]:
        """Return that many new ones."""
        paths = []
        for _ in range(count):
            self.made += 1
            path = self.folder / f"{self.made:07d}.dcm"
            uid = f"{UID[:-7]}{1_000_000 + self.made}"
            path.write_bytes(self.template.replace(UID.encode(), uid.encode()))
            paths.append(path)
        return paths


def rate(box: Any, slices: Slices, count: int, lines: int, way: list[str]) -> float:  # noqa: ANN401
    """Return images a second from the first byte sent to the last image in the archive."""
    parts = [slices.some(count // lines) for _ in range(lines)]
    before, begin = stored(box), time.monotonic()
    senders = [subprocess.Popen(["/usr/bin/storescu", *way, *part]) for part in parts]
    if any(sender.wait() for sender in senders):
        raise SystemExit("storescu failed")
    end = begin + PATIENCE_S
    while stored(box) < before + count // lines * lines:
        if time.monotonic() > end:
            raise SystemExit("not all images arrived")
        time.sleep(0.05)
    taken = time.monotonic() - begin
    for path in (path for part in parts for path in part):
        path.unlink()
    return count / taken


def stored(box: Any) -> int:  # noqa: ANN401 - the tests' host
    """Return how many images the archive has."""
    ask = f"{test_intake.ASK}/statistics | grep -o 'CountInstances[^,]*' | grep -o '[0-9]*'"
    return int(box.ask(ask))


def cpu(box: Any) -> list[float]:  # noqa: ANN401 - the tests' host
    """Return the milliseconds of CPU that each service has used so far."""
    told = box.ask(f"systemctl show --property=CPUUsageNSec --value {' '.join(UNITS)}")
    return [int(line) / 1e6 for line in told.split()]


def chain(box: Any) -> None:  # noqa: ANN401 - the tests' host
    """Put certificates and intake before the archive."""
    context = test_intake.pacs(box)
    for role in (certificate.plan(context), intake.plan(context)):
        outcome = box.apply(role)
        if outcome.failure:
            raise SystemExit(str(outcome.failure))
    test_intake.give_certificate(box)


def main(count: int) -> None:
    """Measure both and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        try:
            box = harness.ground(NODE, "box", "debian-13", place)
            test_intake.lay_archive(box)
            compared(box, Slices(place), count)
        finally:
            sandbox.remove(NODE, "box")


def compared(box: Any, slices: Slices, count: int) -> None:  # noqa: ANN401 - the tests' host
    """Print the rates of Orthanc alone and of the chain, and the memory of the chain."""
    address, own = box.place.address, box.folder
    box.ask("sed -i 's/\"DicomServerEnabled\": false/\"DicomAet\": \"ORTHANC\"/' "
            "/etc/orthanc/orthanc.json && systemctl restart orthanc && sleep 2")  # fmt: skip
    bare = ["-aec", "ORTHANC", address, "4242"]
    alone = [rate(box, slices, count, lines, bare) for lines in (1, 4)]
    chain(box)
    tls = ["+tls", f"{own}/ct.key", f"{own}/ct.crt", "+cf", f"{own}/ca.crt"]
    way = [*tls, "-aet", "CT-1", "-aec", test_intake.RESEARCH, address, "11112"]
    before = cpu(box)
    ours = [rate(box, slices, count, lines, way) for lines in (1, 4)]
    work = [(after - then) / (2 * count) for after, then in zip(cpu(box), before, strict=True)]
    first = box.ask(MEMORY)
    rate(box, slices, 4 * count, 4, way)
    print(f"{'images a second':<44}{'1 association':>15}{'4':>9}")
    print(f"{'Orthanc alone, nothing de-identified':<44}{alone[0]:>15.1f}{alone[1]:>9.1f}")
    print(f"{'intake over TLS, cleaned, in the archive':<44}{ours[0]:>15.1f}{ours[1]:>9.1f}")
    print(f"{'ratio':<44}{ours[0] / alone[0]:>15.2f}{ours[1] / alone[1]:>9.2f}")
    each = ", ".join(f"{unit} {ms:.1f}" for unit, ms in zip(UNITS, work, strict=True))
    print(f"CPU milliseconds an image: {each}")
    print(f"resident KiB before and after {4 * count} more images:\n{first}\n{box.ask(MEMORY)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
