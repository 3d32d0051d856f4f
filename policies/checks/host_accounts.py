"""Who can be somebody on a live host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cairn.checks.registry import check
from cairn.checks.verdicts import At, Severity
from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.checks.host import EvidenceHost, Reply
    from cairn.checks.verdicts import Findings

#: Name, number, shell; then `empty`, `locked` or `set`, and whether the account has expired.
#: The hashes of passwords stay on the host.
ACCOUNTS = r"""today=$(($(date +%s) / 86400))
getent passwd | while IFS=: read -r name _ number _ _ _ shell; do
    getent shadow "$name" | {
        IFS=: read -r _ password _ _ _ _ _ expires _ || password='*'
        case $password in '') state=empty ;; '!'* | '*'*) state=locked ;; *) state=set ;; esac
        ended=no; [ -n "$expires" ] && [ "$expires" -lt "$today" ] && ended=yes
        echo "$name $number $state $ended ${shell:-/bin/sh}"
    }
done"""
#: Rules of sudo without those of Cairn's own file, whose bytes FIL-01 compares.
SUDOERS = (
    "grep --recursive --no-messages --with-filename NOPASSWD /etc/sudoers /etc/sudoers.d "
    "| grep -v '^/etc/sudoers.d/cairn:' || true"
)
#: Only people and what Cairn logs in as have shells; numbers below 1000 are the system's own
#: (Debian Policy 9.2.2).
FIRST_PERSON = 1000
NO_SHELL = re.compile(r"/(?:nologin|false|sync)$")


class Found(NamedTuple):
    """One account of the host."""

    name: str
    number: int
    password: str
    ended: bool
    shell: str

    @property
    def logs_in(self) -> bool:
        """Whether somebody could get a shell with it, besides root at the console."""
        person = self.number >= FIRST_PERSON or self.password == "set"  # noqa: S105 - a state
        return person and self.number != 0 and not self.ended and not NO_SHELL.search(self.shell)


@check(
    id="HST-15",
    title="The accounts of the host are those of the plan",
    severity=Severity.CRITICAL,
    supports=(
        "EHDS 73(1)(c)",
        "CIS-D12 5.2.4 5.4.2.1 7.2.2",
        "CIS-D13 5.4.2.1 7.2.2",
        "ANSSI R30 R33 R34 R39",
        "TEHDAS OPR-2",
        "ISO A.5.18 A.8.2",
        "NIS2 21(2)(i)",
    ),
    remediation="Lock the account (`usermod --expiredate 1 NAME`), or declare its owner.",
)
def accounts_are_as_planned(host: EvidenceHost) -> Findings:
    """An account that nobody planned belongs to nobody, or to somebody who should not have it."""
    replies = host.ask(accounts=ACCOUNTS, sudoers=SUDOERS)
    accounts = [_found(line) for line in replies["accounts"].lines]
    if not any(account.name == "root" for account in accounts):
        raise VerifyFailed(f"the accounts cannot be listed: {replies['accounts'].last}")
    roots = [account.name for account in accounts if account.number == 0]
    yield roots == ["root"], At(host, "number 0"), f"accounts with number 0: {', '.join(roots)}"
    empty = [account.name for account in accounts if account.password == "empty"]  # noqa: S105
    yield not empty, At(host, "empty passwords"), f"empty passwords: {', '.join(empty) or 'none'}"
    planned = {account.name for account in host.plan.accounts if account.login}
    there = {account.name for account in accounts if account.logs_in}
    for name in sorted(planned | there):
        at = At(host, f"account {name}")
        if name in planned and name in there:
            yield True, at, "planned, and can log in"
        else:
            yield False, at, "planned, and cannot log in" if name in planned else "not planned"
    allowed = {one.name for one in host.plan.accounts if one.sudo == "without password"}
    free = sorted(set(_free(replies["sudoers"])) - allowed)
    at = At(host, "sudoers")
    yield not free, at, f"root without a password, not planned: {', '.join(free) or 'nobody'}"


def _found(line: str) -> Found:
    try:
        name, number, password, ended, shell = line.split(" ", 4)
        return Found(name, int(number), password, ended == "yes", shell)
    except ValueError:
        raise VerifyFailed("the list of accounts cannot be read") from None


def _free(reply: Reply) -> Iterator[str]:
    """Yield whom a rule of sudo asks for no password."""
    for line in reply.lines:
        rule = line.partition(":")[2].strip()
        if rule and not rule.startswith("#"):
            yield rule.split()[0]
