"""The pages need no network, run nothing of a host's, leave nothing out, and can be read aloud."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from cairn.evidence import build, formats, html, officer
from checks.approvals import signed
from evidence import samples

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.evidence.formats import Source

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"
#: Elements without an end.
VOID = {"meta", "input", "br", "link", "img"}


class Page(HTMLParser):
    """What a test asks about a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.loaded: list[str] = []
        self.unlabelled: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the element is and names."""
        given = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if tag == "a" else []
        self.loaded += [given[key] or "" for key in ("src", "srcset", "data") if key in given]
        self.loaded += [given["href"] or ""] if tag == "link" else []
        self.headings += [int(tag[1])] if re.fullmatch(r"h[1-6]", tag) else []
        if tag in {"input", "select"} and "label" not in self.open:
            self.unlabelled.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Refuse an element that ends where another one is open."""
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A report with a waiver, a failure, and a host that answers with a script."""

    def tamper(check: str, rounds: samples.Rounds) -> None:
        samples.passwords_on(check, rounds)
        if check == "HST-03":
            rounds[0]["loaded"] = [1, EVIL]

    waiver = {
        "check": "STO-02", "reason": f"the new array arrives in March {EVIL}",
        "approved_by": "dpo@hospital.example", "expires": "2027-01-31",
    }  # fmt: skip
    changes = {
        "storage.encryption": None,
        "compliance": {"waivers": [signed("test-hospital", waiver)]},
    }
    folder = tmp_path_factory.mktemp("spec")
    return formats.source(build.build(samples.gathered(folder, tamper=tamper, **changes)))


@pytest.fixture(scope="module", params=["report", "officer"])
def text(request: pytest.FixtureRequest, bad: Source) -> str:
    """Each page."""
    return (html if request.param == "report" else officer).render(bad).decode()


def test_a_page_is_well_formed_and_its_links_lead_somewhere(text: str) -> None:
    page = Page(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {link for link in page.links if link.removeprefix("#") not in page.ids} == set()


def test_a_page_fetches_nothing(text: str) -> None:
    assert Page(text).loaded == []
    assert "default-src 'none'" in text
    assert "url(" not in text
    assert "@import" not in text
    assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|import\(", text)


def test_a_browser_runs_only_our_script(text: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    allowed = set(re.findall(r"sha256-([A-Za-z0-9+/=]+)", policy[1].replace("&#43;", "+")))
    inline = [*re.findall(r"<script>(.*?)</script>", text, re.DOTALL),
              *re.findall(r"<style>(.*?)</style>", text, re.DOTALL)]  # fmt: skip
    digests = {base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in inline}
    assert digests == allowed
    assert "unsafe" not in policy[1]


def test_what_a_host_or_a_spec_says_stays_text(text: str) -> None:
    assert EVIL not in text
    assert "&lt;script&gt;alert(1)" in text


def test_headings_go_down_step_by_step(text: str) -> None:
    levels = Page(text).headings
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_field_has_its_label(text: str) -> None:
    assert Page(text).unlabelled == []
    assert '<html lang="en">' in text


def test_waivers_come_first_then_what_is_open(bad: Source) -> None:
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", html.render(bad).decode())
    assert titles[:3] == ["Waivers", "What is open", "What only a person can answer"]
    assert "What no check covers" in titles


def test_no_question_and_no_answer_is_left_out(bad: Source) -> None:
    text = html.render(bad).decode()
    assert text.count('<details class="q"') == bad.report.totals.questions
    used = {number for one in bad.report.questions for number in one.evidence}
    assert used == {one.number for one in bad.report.answers}
    assert all(one.sha256 in text for one in bad.report.answers)
    assert text.count("<summary>Answer ") == sum(len(one.evidence) for one in bad.report.questions)


def test_hosts_stand_side_by_side(bad: Source) -> None:
    text = html.render(bad).decode()
    part = text[text.index('id="hosts"') : text.index('id="frameworks"')]
    numbers = [int(number) for number in re.findall(r'<td class="n">(\d+)</td>', part)]
    assert sum(numbers) == bad.report.totals.questions
    assert "imaging-1</th>" in part


def test_what_no_check_covers_is_stated(bad: Source) -> None:
    text = html.render(bad).decode()
    part = text[text.index('id="uncovered"') : text.index('id="verify"')]
    assert "HST-23" in part
    assert "comes with the federated-learning agent" in part
    assert "General Data Protection Regulation" in part


def test_the_sheet_answers_in_plain_language(bad: Source) -> None:
    text = officer.render(bad).decode()
    assert "Not everything is as it should be" in text
    assert "SSH takes keys only, and nobody logs in as root” is not so" in text
    assert "approved and signed by dpo@hospital.example" in text


def test_nothing_that_is_open_is_missing_from_the_sheet(bad: Source) -> None:
    text = officer.render(bad).decode()
    titles = {check.id: check.title for check in bad.report.checks}
    open_ = [one for one in bad.report.questions if one.verdict in {"fail", "not-evaluated"}]
    assert len(open_) == bad.report.blocking > 2
    assert [one.check for one in open_ if titles[one.check] not in text] == []


def test_every_clause_of_the_gdpr_has_its_question_on_the_sheet(bad: Source) -> None:
    supported = {
        part
        for check in bad.report.checks
        for clause in check.supports
        if clause.startswith("GDPR ")
        for part in clause.split()[1:]
    }
    named = {clause for clauses in officer.TOPICS.values() for clause in clauses}
    assert supported - named == set()


def test_a_report_where_all_is_well_says_so(tmp_path: Path, bad: Source) -> None:
    well = {"fail": 0, "not-evaluated": 0}
    verdicts = {**bad.report.totals.verdicts, **well}
    totals = bad.report.totals.model_copy(update={"verdicts": verdicts})
    report = bad.report.model_copy(update={"totals": totals})
    assert "none is open" in officer.render(formats.Source(report, {})).decode()
