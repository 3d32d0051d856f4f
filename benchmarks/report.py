"""The report of a fleet: how long it takes, how large it is, and how fast a browser filters it.

Beside it the plain way: one table with a row for each verdict of each node, as most tools write
it. The nodes are copies of one recorded node; every fifth has something open.

Usage: python benchmarks/report.py [NODES]
"""

from __future__ import annotations

import html
import importlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cairn.evidence import build, canonical, fleet, fleet_html, formats, verify
from cairn.spec.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from cairn.evidence.fleet import Newest
    from cairn.evidence.model import Report

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
samples: Any = importlib.import_module("evidence.samples")

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
#: Each round filters by a word, then shows all again; what is told is the longest of 20 rounds,
#: until the browser has laid the page out anew.
FILTER = """
<script>
addEventListener("load", function () {
  const field = document.getElementById("f-text");
  const times = [];
  for (let round = 0; round < 20; round += 1) {
    for (const word of ["node-1", ""]) {
      const begun = performance.now();
      field.value = word;
      field.dispatchEvent(new Event("input"));
      document.body.getBoundingClientRect();
      times.push(performance.now() - begun);
    }
  }
  const opened = performance.timing.domContentLoadedEventEnd - performance.timing.navigationStart;
  document.title = JSON.stringify({ longest: Math.max(...times), opened: opened });
});
</script>
"""
#: The filter of the plain page: look at the text of every row.
PLAIN_FILTER = """
<script>
document.getElementById("f-text").addEventListener("input", function (event) {
  const wanted = event.target.value.toLowerCase();
  document.querySelectorAll("tbody tr").forEach(function (row) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
});
</script>
"""


def nodes(number: int) -> dict[str, Newest]:
    """Return that many nodes: copies of one, every fifth with a fault."""
    with tempfile.TemporaryDirectory() as folder:
        sound = build.build(samples.gathered(Path(folder))).report
        bad = build.build(samples.gathered(Path(folder), tamper=samples.passwords_on)).report
    return {
        f"node-{count:03}": fleet.Newest(
            build.Before(renamed(sound if count % 5 else bad, f"node-{count:03}"), digest_of(b"")),
        )
        for count in range(number)
    }


def renamed(report: Report, name: str) -> Report:
    """Return a report as that of another node."""
    node = report.node.model_copy(update={"name": name})
    return report.model_copy(update={
        "node": node,
        "questions": tuple(
            one.model_copy(update={"asked": name}) if one.asked == report.node.name else one
            for one in report.questions
        ),
    })  # fmt: skip


def read(files: dict[str, bytes]) -> dict[str, Newest]:
    """Read reports as they lie on the disk, as `cairn report --fleet` does."""
    return {
        name: fleet.Newest(build.Before(verify.glance(data, Path(name)), digest_of(data)))
        for name, data in files.items()
    }


def plain(newest: dict[str, Newest]) -> bytes:
    """Return the plain page: a row for each verdict."""
    rows = "".join(
        f"<tr><td>{name}</td><td>{one.verdict}</td><td>{one.check}</td>"
        f"<td>{html.escape(found.message)}</td></tr>\n"
        for name, each in newest.items()
        if each.before
        for one in each.before.report.questions
        for found in one.findings
    )
    head = (
        '<!DOCTYPE html><meta charset="utf-8"><title>plain</title><input id="f-text"><table><tbody>'
    )
    return f"{head}{rows}</tbody></table>{PLAIN_FILTER}".encode()


def seconds(work: Callable[[], bytes]) -> tuple[float, bytes]:
    """Return the best time of three, and what was made."""
    times = []
    made = b""
    for _ in range(3):
        begun = time.perf_counter()
        made = work()
        times.append(time.perf_counter() - begun)
    return min(times), made


def in_a_browser(page: bytes) -> str:
    """Open a page in a headless browser and filter it; its own policy is taken out for that."""
    if BROWSER is None:
        return "no browser here"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.decode())
        file.write_text(text + FILTER, encoding="utf-8")
        command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        done = subprocess.run(
            [*command, f"--user-data-dir={folder}/profile", f"file://{file}"],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
    found = re.search(r"<title>(\{.*?\})</title>", done.stdout)
    if not found:
        return "the browser gave no answer"
    told = json.loads(found[1])
    return f"opens in {told['opened']:6.0f} ms, filters in at most {told['longest']:6.1f} ms"


def main(number: int) -> None:
    """Measure and print a table."""
    newest = nodes(number)
    now = datetime.now(UTC)
    verdicts = sum(len(one.before.report.questions) for one in newest.values() if one.before)
    print(f"{number} nodes, {verdicts} verdicts")
    files = {
        name: canonical.of_model(one.before.report) for name, one in newest.items() if one.before
    }
    ways: dict[str, Callable[[], bytes]] = {
        "Cairn: fleet.html": lambda: fleet_html.render(fleet.compose(read(files), now)),
        "plain: a row for each verdict and place": lambda: plain(newest),
    }
    for name, way in ways.items():
        taken, page = seconds(way)
        size = f"{len(page) / 1e6:6.2f} MB"
        print(f"{name:42} {taken:6.2f} s   {size}   {in_a_browser(page)}")
    with tempfile.TemporaryDirectory() as folder:
        gathered = samples.gathered(Path(folder))
        taken, _ = seconds(lambda: build.build(gathered).files["report.json"])
        made = build.build(gathered)
        print(f"{'one node: report.json and its archive':42} {taken:6.2f} s")
        for name, each in formats.FORMATS.items():
            taken, page = seconds(partial(one_format, made, name))
            print(f"{'one node: ' + each.file:42} {taken:6.2f} s   {len(page) / 1e6:6.2f} MB")


def one_format(made: build.Made, name: str) -> bytes:
    """Return a report in one format."""
    (page,) = formats.render(made, (name,)).values()
    return page


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
