"""Who may log in, and that no secret stands in a spec."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.verdicts import NOT_EVALUATED, At, Severity
from cairn.spec.digest import digest_of
from cairn.spec.secrets import looks_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.checks.parameters import Parameters
    from cairn.checks.verdicts import Findings
    from cairn.spec.document import Document


@check(
    id="IDN-01",
    title="Administrators are named persons, and services demand a second factor",
    severity=Severity.CRITICAL,
    supports=(
        "EHDS 73(1)(a) 73(1)(d)",
        "TEHDAS TIR-22 OPR-2 EHDSR-5",
        "NIS2 21(2)(i) 21(2)(j) (CIR 11.6 11.7)",
        "ISO A.5.16 A.8.2 A.8.5",
        "GS++ BER.5.8 BER.5.9",
    ),
    remediation="Declare two to six administrators with keys of their own, and identity.",
)
def administrators_are_persons(document: Document, limits: Parameters) -> Findings:
    """A shared account has no owner: nobody can say who did it, and nobody leaves it."""
    spec = document.spec
    people = spec.administrators
    fewest, most = limits.number("administrators_fewest"), limits.number("administrators_most")
    at = At(spec, "administrators")
    yield fewest <= len(people) <= most, at, f"{len(people)} persons, wanted {fewest} to {most}"
    shared = limits.words("shared_account_names")
    keys = Counter(key.split()[1] for person in people for key in person.keys)
    for person in people:
        at = At(spec, f"administrators.{person.name}")
        nobody = person.name in shared
        yield not nobody, at, f"{person.name} is {'a shared name' if nobody else 'one person'}"
        borrowed = any(keys[key.split()[1]] > 1 for key in person.keys)
        yield not borrowed, at, "shares a key" if borrowed else "has keys of its own"
    identity = spec.identity
    if identity is None:
        yield False, At(spec, "identity"), "no identity provider is declared"
        return
    encrypted = identity.issuer.startswith("https://")
    yield encrypted, At(spec, "identity.issuer"), f"the issuer is {identity.issuer}"
    said = "demands" if identity.second_factor else "does not demand"
    yield (
        identity.second_factor,
        At(spec, "identity.second_factor"),
        f"the issuer {said} a second factor",
    )


@check(
    id="IDN-02",
    title="The spec holds no secret and no default of a template",
    severity=Severity.CRITICAL,
    supports=(
        "ISO A.5.17 A.8.4",
        "NIS2 21(2)(g) 21(2)(i)",
        "BSI SYS.1.6.A8",
        "GS++ KONF.1.5",
        "GDPR 32(1)(b)",
    ),
    remediation="Change the secret, then name where it is kept as `env:NAME` or `file:/path`.",
    waivable=False,
)
def spec_holds_no_secret(document: Document, limits: Parameters) -> Findings:
    """A spec is read, mailed and committed by many; what stands in it is known to all of them.

    The whole text is looked at, comments too. A value is never shown, only its line.
    """
    spec = document.spec
    try:
        data = document.path.read_bytes()
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        yield NOT_EVALUATED, f"the file of the spec cannot be read ({type(error).__name__})"
        return
    if digest_of(data) != document.digest:
        yield NOT_EVALUATED, "the file of the spec was changed since it was loaded"
        return
    suspects = list(_suspects(text, limits.words("template_defaults")))
    for line, kind in suspects:
        yield False, At(spec, f"line {line}"), f"holds {kind}"
    if not suspects:
        lines = text.count("\n")
        yield True, At(spec), f"{lines} lines hold nothing that looks like a secret"


def _suspects(text: str, defaults: frozenset[str]) -> Iterator[tuple[int, str]]:
    known = _any_of(defaults)
    # Most specs are clean: one look at the whole text is enough then.
    if not known.search(text.casefold()) and not looks_secret(text):
        return
    found = False
    for number, line in enumerate(text.splitlines(), start=1):
        if known.search(line.casefold()):
            found = True
            yield number, "a default that comes with a template"
        elif looks_secret(line):
            found = True
            yield number, "what looks like a secret"
    if not found:
        yield 1, "what looks like a secret over several lines"


@cache
def _any_of(words: frozenset[str]) -> re.Pattern[str]:
    listed = "|".join(re.escape(word) for word in sorted(words))
    return re.compile(rf"(?<![a-z0-9])(?:{listed})(?![a-z0-9])" if words else r"(?!)")
