"""Whether the programs that answer for a live host are the ones that Debian delivered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.verdicts import At, Severity
from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.checks.host import EvidenceHost
    from cairn.checks.verdicts import Findings

#: Where programs and libraries lie; what a host does without (manuals, translations) may be gone.
_PROGRAMS = ("/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/libexec/", "/bin/", "/sbin/", "/lib")
#: A line of `dpkg --verify`: what differs, `c` for a setting (FIL-01 asks after ours), path.
_LINE = re.compile(r"(?:[?.5SMUGTDLC]{9}|missing) +(?P<setting>c )? *(?P<path>/.*)")
#: Altered programs that are told by name; more are counted.
_MOST = 20


@check(
    id="HST-20",
    title="The programs of the host are those that Debian delivered",
    severity=Severity.CRITICAL,
    supports=("CIS-D12 6.3.1", "CIS-D13 6.3.1", "ANSSI R76", "ISO A.8.16 A.8.7"),
    remediation="Take the host off the network and find out who exchanged it; then set it up anew.",
    waivable=False,
    limit_s=90,
)
def programs_are_debians(host: EvidenceHost) -> Findings:
    """Whoever exchanges `nft` or `ss` lets a host say what everybody wants to hear.

    Every file is compared with the sum of its package; diversions by hand and libraries that are
    loaded into every program are asked after as well. Somebody who also forged `dpkg` and its sums
    is found from outside only: by the connections that other checks try, and by a look at the disk.
    """
    replies = host.ask(
        sums="dpkg --verify --verify-format rpm; echo compared",
        diverted="dpkg-divert --list && echo listed",
        preloaded="if [ -e /etc/ld.so.preload ]; then cat /etc/ld.so.preload; fi; echo read",
    )
    for name, end in (("sums", "compared"), ("diverted", "listed"), ("preloaded", "read")):
        if replies[name].lines[-1:] != (end,):
            raise VerifyFailed(f"the programs cannot be asked after: {replies[name].last}")
    altered = list(_altered(replies["sums"].lines[:-1]))
    for path in altered[:_MOST]:
        yield False, At(host, path), "it is not as its package delivered it"
    if len(altered) > _MOST:
        yield False, At(host, "dpkg --verify"), f"{len(altered) - _MOST} more files are altered"
    if not altered:
        yield True, At(host, "dpkg --verify"), "every program and library is as delivered"
    by_hand = [line for line in replies["diverted"].lines if line.startswith("local diversion")]
    told = "; ".join(by_hand) or "nothing is diverted by hand"
    yield not by_hand, At(host, "dpkg-divert --list"), told
    loaded = replies["preloaded"].lines[:-1]
    told = f"loads {', '.join(loaded)} into every program" if loaded else "loads nothing"
    yield not loaded, At(host, "/etc/ld.so.preload"), told


def _altered(lines: tuple[str, ...]) -> Iterator[str]:
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:
            raise VerifyFailed(f"dpkg says what is no answer: {line}")
        if not found["setting"] and found["path"].startswith(_PROGRAMS):
            yield found["path"]
