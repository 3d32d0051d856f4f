"""Secrets in clear: found in values, keys and comments of a spec, and never repeated.

Known shapes first (keys, tokens, logins in web addresses, defaults that everybody knows), then
keys that are named like a secret, then text that looks drawn by lot (see `chance`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from cairn.spec.certificates import PRIVATE_KEY
from cairn.spec.chance import drawn_by_lot
from cairn.spec.tree import LINE_BREAK, Fault, Loc, Place, Spot, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = (
    r"password|passwd|passphrase|pwd|secret|token|api[_-]?key|private[_-]?key|secret[_-]?key"
    r"|access[_-]?key(?:[_-]?id)?|credentials?|connection[_-]?string"
)
_REFERENCE = r"(?:env:[A-Za-z_]\w*|file:/\S+)"
_LOGINS = ["admin", "root", "toor", "orthanc", "postgres", "test", "pass"]


class _Shape(NamedTuple):
    """What it is, text without which it cannot be there (lower case), and what it looks like."""

    what: str
    needles: tuple[str, ...]
    looks: re.Pattern[str]


def _shape(what: str, needles: str, looks: str) -> _Shape:
    return _Shape(what, tuple(needles.split()), re.compile(looks))


_SHAPES = (
    _Shape("a private key", ("private key",), PRIVATE_KEY),
    _shape("a private key", "age-secret-key-", r"(?i)AGE-SECRET-KEY-1\w+"),
    _shape("an AWS access key", "akia asia", r"\bA[KS]IA[0-9A-Z]{16}\b"),
    _shape("a web token", "eyj", r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    _shape("a login", "://", r"://[^\s/:@,'\"{}\[\]]*:[^\s/@,'\"{}\[\]]+@"),
    _shape("a token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"\bgi?t?h\w*_\w{20,}"),
    _shape("a token", "glpat- xoxb- xoxp- pul- sk-", r"\b(?:glpat|xox[bp]|pul|sk)-[\w-]{20,}"),
    _shape("a token", "hvs.", r"\bhvs\.[\w-]{20,}"),
    _shape("the hash of a password", "$", r"\$(?:1|2[abxy]|5|6|7|y|gy|argon2id?)\$\S{8,}"),
    _shape(
        "a password",
        "password= passwd= passphrase= pwd= secret= token= key= id= credential= credentials= "
        "string=",
        # systemd's LoadCredential= names a file, as a reference does.
        rf"(?i)(?<!\bLoad)(?:{_NAMES})=(?!{_REFERENCE})[^\s&=]+",
    ),
    _shape(
        "a default password",
        "changeme change_me change-me changeit supersecret minioadmin letmein hunter2 qwerty",
        r"(?i)(?<![a-z0-9])(?:change[_-]?(?:me|it)|supersecret\w*|minioadmin|letmein|hunter2|qwerty)"
        r"(?![a-z0-9])",
    ),
    _shape(
        "a default password",
        "passw0rd p@ssw0rd p@ssword password0 password1 password!",
        r"(?i)(?<![a-z0-9])p[a@]ssw[o0]rd[0-9!]*(?![a-z0-9])",
    ),
    _shape(
        "a default login",
        " ".join(f"{separator}{login}" for separator in "/:" for login in _LOGINS),
        r"(?i)(?<![a-z0-9/])(?:admin|root|orthanc|postgres|test|user)[/:]"
        rf"(?:{'|'.join(_LOGINS)}\w*)(?![a-z0-9/])",
    ),
)
#: Long text without spaces, in group 1 unless it is public: a key, digest, signature, certificate.
_LONG = re.compile(
    r"(?:ssh-\w+|ecdsa-sha2-\w+|sk-ssh-ed25519@openssh\.com)\s+[A-Za-z0-9+/=]+"
    r"|(?:sha256:[0-9a-f]{64}|SHA256:[A-Za-z0-9+/]{43})(?![A-Za-z0-9+/])"
    r"|ed25519:[A-Za-z0-9+/]{86}==(?![A-Za-z0-9+/=])"
    r"|ed25519:[A-Za-z0-9+/]{43}=(?![A-Za-z0-9+/=])"
    r"|-----BEGIN (?:CERTIFICATE|X509 CRL)-----[^-]*-----END (?:CERTIFICATE|X509 CRL)-----"
    r"|([A-Za-z0-9+/_=-]{20,})"
)
#: The end of a comment; what is longer is judged by its end, so that no comment takes long.
_COMMENT = re.compile(r"#[^\n]*")
_LONGEST_COMMENT = 400
#: A key that is commented out together with its value.
_COMMENTED = re.compile(rf"(?i)\b[\w-]*(?:{_NAMES})['\"]?: +(?!{_REFERENCE})\S+\s*$")
_NAMED = re.compile(rf"(?:^|[_-])(?:{_NAMES})s?$", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_REFERS = re.compile(_REFERENCE)
_ADVICE = (
    "stands here in clear; remove it, change it where it is in use, and refer to the new one as "
    "`env:NAME` or `file:/path`"
)


class _Scalar(NamedTuple):
    """One key or value."""

    loc: Loc
    spot: Spot
    key: str
    value: Any


def report_secrets(tree: Tree) -> None:
    """Add a fault for each secret in clear, and mark its place so that nothing repeats it."""
    scalars = list(_scalars(tree.root, tree.value, (), ""))
    owners = _Owners(scalars, tree.text)
    found: dict[int, tuple[str, Loc, Spot]] = {}
    for what, index in _seen(tree.text):
        loc, spot = owners.of(index)
        # A token may look like several; it is one to whoever has to remove it.
        once = spot.start.index if spot.end.index > index else -1 - spot.start.line
        found.setdefault(once, (what, loc, spot))
    for spot, value in tree.altered:
        for what, _ in _seen(value):
            loc, owner = owners.of(spot.start.index)
            found.setdefault(owner.start.index, (what, loc, owner))
    for loc, spot, key, value in scalars:
        if _names_a_secret(key) and _is_in_clear(value):
            found.setdefault(spot.start.index, ("a secret", loc, spot))
    for what, loc, spot in found.values():
        spot.spoiled = True
        tree.faults.append(Fault(loc, spot, f"{what} {_ADVICE}"))


@lru_cache(maxsize=4096)
def looks_secret(text: str) -> bool:
    """Return whether a text has the shape of a secret; the nodes of a fleet share most texts."""
    return any(True for _ in _seen(text))


def _seen(text: str) -> Iterator[tuple[str, int]]:
    """Yield what looks like a secret, and at which character it begins."""
    lowered = text.lower()
    for what, needles, looks in _SHAPES:
        if any(needle in lowered for needle in needles):
            for match in looks.finditer(text):
                yield what, match.start()
    for comment in _COMMENT.finditer(text):
        start = max(comment.start(), comment.end() - _LONGEST_COMMENT)
        commented = _COMMENTED.search(text, start, comment.end())
        if commented:
            yield "a password", commented.start()
    for match in _LONG.finditer(text):
        if match[1] and drawn_by_lot(match[1]):
            yield "what looks like a key or a token", match.start()


def _scalars(spot: Spot, value: Any, loc: Loc, key: str) -> Iterator[_Scalar]:  # noqa: ANN401
    if isinstance(value, dict):
        for name, place in spot.keys.items():
            yield _Scalar(loc, place, "", None)
            if name in spot.under:
                yield from _scalars(spot.under[name], value[name], (*loc, name), name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _scalars(spot.under[index], item, (*loc, index), key)
    else:
        yield _Scalar(loc, spot, key, value)


class _Owners:
    """Finds the scalar around a character; scalars come in the order of the file."""

    def __init__(self, scalars: list[_Scalar], text: str) -> None:
        self._scalars = scalars
        self._text = text
        self._starts = [scalar.spot.start.index for scalar in scalars]

    def of(self, index: int) -> tuple[Loc, Spot]:
        """Return the scalar, or a place of its own for a character in a comment."""
        at = bisect_right(self._starts, index) - 1
        if at >= 0 and index < self._scalars[at].spot.end.index:
            return self._scalars[at].loc, self._scalars[at].spot
        lines = self._lines
        line = bisect_right(lines, index) - 1
        mark = Place(line, index - lines[line], index)
        return (), Spot(mark, mark)

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(match.end() for match in LINE_BREAK.finditer(self._text))]


@lru_cache(maxsize=4096)
def _names_a_secret(key: str) -> bool:
    return _NAMED.search(_CAMEL.sub("_", key)) is not None


def _is_in_clear(value: Any) -> bool:  # noqa: ANN401 - any scalar
    if value is None or isinstance(value, bool) or value == "":
        return False
    return not isinstance(value, str) or _REFERS.fullmatch(value) is None
