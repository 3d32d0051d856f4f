"""How fast a hub takes nodes in: real authority and register on the loopback, many nodes at once.

Usage: python benchmarks/enrolment.py [NODES]

Each simulated node makes its keys and its request, has it signed for a one-time token, and hands
in the public key of its agent. Compared with the plain way: openssl signs the same requests, one
after the other, with nothing that remembers them. The programs are run by hand, not on a host.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cryptography import x509

from cairn import house
from cairn.federation import root

sys.path.insert(0, str(house.root() / "tests"))
authorities = importlib.import_module("federation.authority")
registers = importlib.import_module("federation.registry")
#: Nodes at once; a hub has more to wait for than to do.
AT_ONCE = 8


def enrol(hub: Any, register: Any, node: Any, invitation: str) -> str:  # noqa: ANN401 - of tests
    """Take one node in; returns the serial of its certificate."""
    body = {"csr": node.request, "ott": hub.token(node.host)}
    status, answer = hub.curl("/1.0/sign", body=body)
    if status != "201":
        raise SystemExit(f"{node.host} was not certified: {answer}")
    node.keep(answer)
    serial = f"{node.certificate.serial_number:X}"
    told = register.enrol(node.name, registers.agent_key(), invitation, serial)
    if told != (200, ""):
        raise SystemExit(f"{node.name} was not taken in: {told}")
    return serial


def plainly(folder: Path, nodes: list[Any]) -> float:
    """Return the seconds that openssl takes to sign the same requests, which nobody remembers."""
    for node in nodes:
        (node.folder / "node.csr").write_text(node.request)
    began = time.perf_counter()
    for node in nodes:
        words = ["openssl", "x509", "-req", "-in", node.folder / "node.csr", "-days", "7",
                 "-CA", folder / "intermediate.crt", "-CAkey", folder / "intermediate.key",
                 "-out", node.folder / "plain.crt"]  # fmt: skip
        subprocess.run(words, check=True, capture_output=True)
    return time.perf_counter() - began


def main(wanted: int) -> None:
    """Measure, look that nothing was lost, and print a table."""
    with tempfile.TemporaryDirectory() as text, registers.running(Path(text)) as register:
        folder = Path(text)
        above = root.make(folder / "root", "bench", "three words suffice")
        hub = authorities.authority(folder / "ca", above).start()
        try:
            began = time.perf_counter()
            nodes = [
                authorities.Node(folder / f"n{number}", f"hospital-{number}")
                for number in range(wanted)
            ]
            open_ones = [register.invite(node.name) for node in nodes]
            prepared = time.perf_counter() - began
            began = time.perf_counter()
            with ThreadPoolExecutor(AT_ONCE) as pool:
                work = zip(nodes, open_ones, strict=True)
                serials = list(pool.map(lambda one: enrol(hub, register, *one), work))
            took = time.perf_counter() - began
            plain = plainly(hub.folder, nodes)
        finally:
            hub.stop()
        listed = {one["node"]: one for one in register.store.every()}
        lost = [node.name for node in nodes if listed[node.name]["status"] != "enrolled"]
        if lost or len(set(serials)) != wanted:
            raise SystemExit(f"lost: {lost}")
        chain = x509.load_pem_x509_certificates((nodes[-1].folder / "node.crt").read_bytes())
        if chain[0].subject.rfc4514_string() != f"CN=hospital-{wanted - 1}.{authorities.DOMAIN}":
            raise SystemExit(f"certified somebody else: {chain[0].subject}")
    print(f"{wanted} nodes, {AT_ONCE} at once, nothing lost")
    print(f"  keys and invitations     {prepared:6.1f} s")
    print(f"  enrolled                 {took:6.1f} s  {wanted / took:6.1f} nodes a second")
    print(f"  openssl signs alone      {plain:6.1f} s  {wanted / plain:6.1f} nodes a second")
    print(f"  enrolment / openssl      {took / plain:6.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
