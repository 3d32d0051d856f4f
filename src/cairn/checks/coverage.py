"""How much of each framework checks ask, how much is left to people, and the page that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cairn.checks import controls
from cairn.checks.controls import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.checks.controls import ControlFile
    from cairn.checks.registry import Catalogue

#: Where the page is committed, below the checkout.
PAGE = "docs/reference/coverage.md"
_PERCENT = 100
_BY_PEOPLE = (Status.MANUAL, Status.INHERITED, Status.LATER)

_HEAD = """\
<!-- Made by `cairn policy coverage --write` from the control files and the checks. -->

# Coverage

What the checks of this pack ask of each framework, and what they leave to people. Checks *support*
demands; they fulfil none. **Automated**: checks ask all of it that a node can answer.
**In part**: checks ask some of it, and the reason says what is left. **By people**: nothing is
asked; people of the site or of others answer for it, or the check is not built yet.
Shares leave out demands that do not apply, and are rounded. **Unverified**: nobody has compared
number and meaning of the demand with a copy of the text.
"""


@dataclass(frozen=True, slots=True)
class Share:
    """The sums of one framework.

    Attributes:
        demands: All that are listed.
        applicable: Those that apply; the next three add up to them.
        unverified: Those that apply and that nobody has compared with the text.
    """

    framework: str
    title: str
    demands: int
    applicable: int
    automated: int
    partial: int
    by_people: int
    unverified: int

    def percent(self, count: int) -> int:
        """Return a count as a share of what applies, in whole percent."""
        return round(_PERCENT * count / self.applicable) if self.applicable else 0


def share(file: ControlFile) -> Share:
    """Return the sums of a framework."""
    counts = file.counts
    return Share(
        framework=file.framework,
        title=file.title or file.framework,
        demands=len(file.demands),
        applicable=len(file.demands) - counts[Status.NOT_APPLICABLE],
        automated=counts[Status.AUTOMATED],
        partial=counts[Status.PARTIAL],
        by_people=sum(counts[status] for status in _BY_PEOPLE),
        unverified=sum(
            bool(one.unverified) for one in file.demands if one.status is not Status.NOT_APPLICABLE
        ),
    )


def families_without_file(policy: Catalogue) -> dict[str, int]:
    """Return the families of clauses that checks support and no control file lists, with counts."""
    listed = {one.framework for one in controls.read(policy)}
    found = controls.supporters(policy)
    return {family: len(found[family]) for family in sorted(found) if family not in listed}


def page(policy: Catalogue) -> str:
    """Return the page: the sums, then every demand of every framework."""
    files = controls.read(policy)
    parts = [_HEAD, *_table([share(one) for one in files]), "", _rest(policy)]
    for file in files:
        parts += ["", *_framework(file)]
    return "\n".join(parts) + "\n"


def _table(shares: list[Share]) -> Iterator[str]:
    yield "| framework | demands | apply | automated | in part | by people | unverified |"
    yield "|---|---|---|---|---|---|---|"
    for one in shares:
        cells = " | ".join(
            f"{count} ({one.percent(count)} %)"
            for count in (one.automated, one.partial, one.by_people)
        )
        yield f"| {one.title} | {one.demands} | {one.applicable} | {cells} | {one.unverified} |"


def _rest(policy: Catalogue) -> str:
    named = ", ".join(f"{name} ({count})" for name, count in families_without_file(policy).items())
    return (
        f"Checks also support clauses of frameworks that are **not listed in full**: {named}. "
        "No share can be told for them."
    )


def _framework(file: ControlFile) -> Iterator[str]:
    yield f"## {file.title or file.framework}"
    yield ""
    yield "| demand | what it asks | status | checks | what is left, or why |"
    yield "|---|---|---|---|---|"
    for one in file.demands:
        mark = ", unverified" if one.unverified else ""
        asked = ", ".join(one.checks)
        yield f"| {one.id} | {one.title} | {one.status}{mark} | {asked} | {one.reason} |"
