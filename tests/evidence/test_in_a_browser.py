"""The pages in a real browser: filtered, walked through by keyboard, printed, and kept in."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from cairn.evidence import build, fleet, fleet_html, formats
from evidence import samples
from evidence.browser import Browser, browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="needs Debian's chromium, which Cairn itself does not"
)
EVIL = "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a host that answers with scripts and lets passwords in."""

    def tamper(check: str, rounds: samples.Rounds) -> None:
        samples.passwords_on(check, rounds)
        if check == "HST-03":
            rounds[0]["loaded"] = [1, EVIL]

    folder = tmp_path_factory.mktemp("pages")
    made = build.build(samples.gathered(folder, tamper=tamper))
    for name, content in formats.render(made, ("html", "officer")).items():
        (folder / name).write_bytes(content)
    newest = fleet.Newest(build.Before(made.report, f"sha256:{64 * '1'}"))
    nodes = {"a": newest, "b": newest, "c": fleet.Newest(None, "there is no report yet")}
    composed = fleet.compose(nodes, samples.BEGUN)
    (folder / "fleet.html").write_bytes(fleet_html.render(composed))
    return folder


@pytest.fixture(scope="module")
def started() -> Iterator[Browser]:
    """A browser."""
    with browser() as page:
        yield page


@pytest.fixture
def page(started: Browser, pages: Path) -> Browser:
    """The report, opened."""
    started.open((pages / "report.html").as_uri(), 1000, 1100)
    return started


def told(page: Browser) -> tuple[int, int]:
    found = re.fullmatch(
        r"Shown: (\d+) of (\d+)", page.ask("document.getElementById('f-told').textContent")
    )
    assert found
    return int(found[1]), int(found[2])


def test_nothing_of_a_host_runs(page: Browser) -> None:
    assert page.ask("document.title") == "Report 1 of test-hospital"
    assert page.ask("document.querySelectorAll('img').length") == 0


def test_the_keyboard_reaches_a_raw_answer(page: Browser) -> None:
    page.press("Tab")
    page.press("Enter")
    assert page.ask("location.hash") == "#all"
    page.press("Tab")
    page.press(" ")
    shown, every = told(page)
    assert 0 < shown < every
    for _ in range(20):
        page.press("Tab")
        if page.ask("document.activeElement.tagName") == "SUMMARY":
            break
    page.press("Enter")
    for _ in range(20):
        page.press("Tab")
        if page.ask("document.activeElement.textContent").startswith("Answer"):
            break
        page.press("Enter")
    page.press("Enter")
    text = page.ask("document.activeElement.parentElement.querySelector('dd:last-child').innerText")
    assert len(text) > 20


def test_filters_narrow_and_widen(page: Browser) -> None:
    page.ask("document.getElementById('f-text').value = 'passwordauthentication'")
    page.ask("document.getElementById('f-text').dispatchEvent(new Event('input'))")
    assert told(page)[0] < 5
    page.ask("document.getElementById('f-none').click()")
    shown, every = told(page)
    assert shown == every > 70
    page.ask("document.querySelector('select[data-key=f]').value = 'GDPR'")
    page.ask("document.querySelector('select[data-key=f]').dispatchEvent(new Event('change'))")
    assert 10 < told(page)[0] < 60


def test_a_link_opens_what_it_leads_to(page: Browser) -> None:
    page.ask("document.querySelector('#open ~ .box a').click()")
    assert page.ask("document.getElementById(location.hash.slice(1)).open") is True


def test_the_report_prints_every_question(page: Browser, tmp_path: Path) -> None:
    assert 5 < page.print(tmp_path / "report.pdf") < 60


def test_the_sheet_of_the_officer_is_one_sheet(
    started: Browser, pages: Path, tmp_path: Path
) -> None:
    started.open((pages / "data-protection.html").as_uri(), 820, 1200)
    assert started.print(tmp_path / "sheet.pdf") == 1


def test_a_fleet_is_filtered_and_a_node_opened(started: Browser, pages: Path) -> None:
    started.open((pages / "fleet.html").as_uri(), 1000, 1100)
    assert told(started) == (3, 3)
    started.ask("document.getElementById('f-check').value = 'HST-01'")
    started.ask("document.querySelector('[data-filter=fail]').click()")
    assert told(started) == (2, 3)
    started.ask("document.querySelector('[data-node=a] summary').click()")
    started.photograph(pages / "opened.png")
    rows = started.ask("document.querySelectorAll('[data-node=a] .all tr').length")
    assert rows > 70
    assert started.ask("document.title").startswith("All nodes")
