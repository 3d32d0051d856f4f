"""Sends phantoms with and without lesions to a demo hospital, and freezes them into its data set.

usage: .venv/bin/python tools/demo_phantoms.py NODE SITE [IMAGES]

As its scanner would: from the scanner's address, over TLS with a certificate of its own where the
scanner can. Needs root. A second time adds nothing.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import demo_study
import lesion_phantoms
from demo_study import cairn, end, say

from cairn.checks.connect import connected
from cairn.spec.loader import load_node
from cairn.stack.places import connections

#: Seconds that de-identification and archive get for the images.
PATIENCE = 240
PLAIN = "11113"
#: How many images the archive of the host has, told by the account that freezes.
COUNT = """
import base64, json, urllib.request
word = open("/etc/cairn/archive/freeze.password").read().strip()
wanted = {"Level": "Instance", "Query": {"BodyPartExamined": "ABDOMEN"}}
request = urllib.request.Request("http://127.0.0.1:8042/tools/find", json.dumps(wanted).encode())
request.add_header("Authorization", "Basic " + base64.b64encode(f"freeze:{word}".encode()).decode())
print(len(json.load(urllib.request.urlopen(request, timeout=60))))
"""


def main(node: str, site: str, count: int) -> None:
    """Send, wait, freeze."""
    spec: Any = load_node(node).spec
    scanner = next(one for one in spec.pacs.accepts if "store" in one.may and one.plain is False)
    with demo_study.station(node, (scanner.address,)) as here:
        (here.folder / "node.crt").write_text(cairn("certificate", node, "--authority"))
        here.certify(scanner.aet)
        paths = lesion_phantoms.write(site, here.folder / "images", count)
        say(f"{scanner.aet} sends {len(paths)} phantoms of site {site}:")
        where = ["-aet", scanner.aet, "-aec", spec.pacs.aet, here.host, demo_study.INTAKE]
        here.ask(
            scanner.address, "storescu", *here.shown(scanner.aet), *where, "+sd", "+r", "images"
        )
    arrived(node, spec.hosts[0].name, count)
    permit, dataset = spec.permits[0].id, spec.datasets[0].name
    listed = json.loads(cairn("dataset", "list", node, "--format", "json"))["datasets"]
    if not listed[0]["versions"]:
        say(f"$ cairn dataset freeze {node} --query BodyPartExamined=ABDOMEN --permit {permit}")
        words = ("--dataset", dataset, "--query", "BodyPartExamined=ABDOMEN", "--permit", permit)
        cairn("dataset", "freeze", node, *words)
    say(cairn("dataset", "list", node).rstrip())


def arrived(node: str, host: str, count: int) -> None:
    """Wait until the archive has the images."""
    until = time.monotonic() + PATIENCE
    with connected(host, connections(load_node(node))[host]) as shell:
        while True:
            told = shell.run("python3 -c %s", COUNT)
            if told.rc == 0 and int(told.stdout) >= count:
                say(f"  {told.stdout.strip()} images are in the archive, under pseudonyms")
                return
            if time.monotonic() > until:
                end(f"the archive has {told.stdout.strip()} of {count} images: {told.stderr}")
            time.sleep(2)


if __name__ == "__main__":
    if len(sys.argv) not in {3, 4}:
        end("usage: tools/demo_phantoms.py NODE SITE [IMAGES]")
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 60)  # noqa: PLR2004
