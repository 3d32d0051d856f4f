"""The register of checks: what each asks, of whom, and where it was found."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import re
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, ParamSpec

from cairn.checks import approvers, bundle, parameters
from cairn.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from cairn.checks.approvers import Approver
    from cairn.checks.bundle import Bundle
    from cairn.checks.parameters import Parameters
    from cairn.checks.verdicts import Findings, Severity

Asked = ParamSpec("Asked")


class Moment(StrEnum):
    """When a check is asked; it follows from the type of its first parameter."""

    SPEC = "spec"
    PLAN = "plan"
    HOST = "host"
    EVERY = "every"


#: Type of the first parameter, by name, and the moment that it stands for.
SUBJECTS = {
    "Document": Moment.SPEC,
    "Plan": Moment.PLAN,
    "EvidenceHost": Moment.HOST,
    "Waivers": Moment.EVERY,
}
#: What a check may ask for besides its subject.
EXTRAS = frozenset({"Document", "Plan", "Parameters", "date"})
#: Whom a check may be asked of: tiers of data providers, kinds of node, ways of taking part.
ADDRESSEES = frozenset({"all", "T1", "T2", "T3", "compute", "hub", "transfer"})

_ID = re.compile(r"[A-Z]{2,5}-[0-9]{2,3}")
_NO_FACT = re.compile(r"^(ensure|check|verify)\b|\b(must|should|shall)\b", re.IGNORECASE)
_LONGEST_TITLE = 80


@dataclass(frozen=True, slots=True)
class Check:
    """One question with a verdict.

    Attributes:
        id: Never reused, as in `STO-02`.
        title: The compliant state as a fact.
        supports: Clauses that the check supports; it fulfils none.
        applies: Whom it is asked of (`ADDRESSEES`).
        needs: Capabilities that a host must have for the question to make sense.
        limit_s: Seconds after which a check of a host is given up.
        rationale: Why it is asked.
        wants: Names of the types of its parameters, the subject first.
        origin: File that it stands in.
    """

    id: str
    title: str
    severity: Severity
    supports: tuple[str, ...]
    remediation: str
    waivable: bool
    applies: tuple[str, ...]
    needs: tuple[str, ...]
    limit_s: float
    rationale: str
    wants: tuple[str, ...]
    origin: str
    function: Callable[..., Findings]

    @property
    def moment(self) -> Moment:
        """When it is asked."""
        return SUBJECTS[self.wants[0]]

    def ask(self, offer: Mapping[str, Any]) -> Findings:
        """Call the function with what it wants out of the offer."""
        return self.function(*(offer[name] for name in self.wants))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All checks, sorted by id, with the parameters that they use.

    Attributes:
        bundles: The policy folders that it was loaded from, with version and digest.
        approvers: Who may approve waivers, as the bundles name them.
    """

    checks: tuple[Check, ...]
    parameters: Parameters
    bundles: tuple[Bundle, ...] = ()
    approvers: tuple[Approver, ...] = ()

    def __post_init__(self) -> None:
        seen: dict[str, Check] = {}
        for one in self.checks:
            if one.id in seen:
                raise PolicyError(
                    f"check {one.id} is registered twice, in {seen[one.id].origin} and in "
                    f"{one.origin}; give one of them an id of its own"
                )
            seen[one.id] = one
        object.__setattr__(self, "checks", tuple(seen[name] for name in sorted(seen)))

    def of(self, moment: Moment) -> tuple[Check, ...]:
        """Return the checks of one moment, sorted by id."""
        return tuple(one for one in self.checks if one.moment is moment)

    def find(self, name: str) -> Check | None:
        """Return the check of that id, or None."""
        return next((one for one in self.checks if one.id == name), None)


#: Checks by the module that declares them, until the loader takes them.
_declared: dict[str, list[Check]] = {}


def check(  # noqa: PLR0913 - each is a word of the catalogue, and all are keywords
    *,
    id: str,  # noqa: A002 - the catalogue's own word
    title: str,
    severity: Severity,
    supports: tuple[str, ...],
    remediation: str,
    waivable: bool = True,
    applies: tuple[str, ...] = ("all",),
    needs: tuple[str, ...] = (),
    limit_s: float = 30.0,
) -> Callable[[Callable[Asked, Findings]], Callable[Asked, Findings]]:
    """Declare a check; the docstring of the function is its rationale.

    Raises:
        PolicyError: Id, title, docstring, addressees or parameters break the rules of a check.
    """

    def declare(function: Callable[Asked, Findings]) -> Callable[Asked, Findings]:
        origin = function.__code__.co_filename
        rationale = inspect.cleandoc(function.__doc__ or "")
        wants = _wants(id, function)
        _refuse_careless(id, title, remediation, rationale, applies)
        declared = Check(
            id, title, severity, supports, remediation, waivable, applies, needs, limit_s,
            rationale, wants, origin, function,
        )  # fmt: skip
        _declared.setdefault(function.__module__, []).append(declared)
        return function

    return declare


def _refuse_careless(
    name: str, title: str, remediation: str, rationale: str, applies: tuple[str, ...]
) -> None:
    rules = {
        "its id is not like `STO-02`": _ID.fullmatch(name),
        f"its title is empty or longer than {_LONGEST_TITLE} characters": 0
        < len(title)
        <= _LONGEST_TITLE,
        "its title commands instead of stating the compliant state": not _NO_FACT.search(title),
        "it has no docstring that says why it is asked": rationale,
        "it names no remedy": remediation.strip(),
        "it applies to somebody unknown": applies and ADDRESSEES.issuperset(applies),
    }
    for wrong, right in rules.items():
        if not right:
            raise PolicyError(f"check {name}: {wrong}")


def _wants(name: str, function: Callable[..., Any]) -> tuple[str, ...]:
    """Read the types of the parameters by name, so that none of them has to be imported."""
    wanted = tuple(
        str(getattr(one.annotation, "__name__", one.annotation)).rpartition(".")[2]
        for one in inspect.signature(function).parameters.values()
    )
    if not wanted or wanted[0] not in SUBJECTS:
        raise PolicyError(
            f"check {name}: its first parameter is of none of the types {', '.join(SUBJECTS)}"
        )
    for extra in wanted[1:]:
        if extra not in EXTRAS:
            raise PolicyError(f"check {name}: nothing of type {extra} can be handed to it")
    return wanted


@cache
def catalogue() -> Catalogue:
    """Return the checks of this checkout and of the folders named in `CAIRN_POLICIES`."""
    return load(bundle.folders())


def load(folders: Iterable[Path]) -> Catalogue:
    """Load policy folders (`checks/*.py`, `controls/parameters.yaml`, `approvers.yaml`).

    Raises:
        PolicyError: A folder has no checks, a file cannot be loaded, or an id occurs twice.
    """
    checks: list[Check] = []
    tables: list[Path] = []
    bundles: list[Bundle] = []
    for folder in folders:
        files = sorted((folder / "checks").glob("*.py"))
        table = folder / "controls" / "parameters.yaml"
        if not files and not (bundles and (table.exists() or (folder / approvers.FILE).exists())):
            raise PolicyError(f"{folder}: has no checks; name a folder with checks/*.py")
        tables += [table] if table.exists() else []
        for file in files:
            checks += _from_file(file)
        bundles.append(bundle.read(folder))
    named = approvers.load(one.folder for one in bundles)
    return Catalogue(tuple(checks), parameters.load(tables), tuple(bundles), named)


def _from_file(file: Path) -> list[Check]:
    name = f"cairn_policies_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}_{file.stem}"
    found = importlib.util.spec_from_file_location(name, file)
    if found is None or found.loader is None:
        raise PolicyError(f"{file}: is not a Python module")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module  # dataclasses of a check module look themselves up there
    _declared.pop(name, None)
    try:
        found.loader.exec_module(module)
    except (ImportError, SyntaxError, NameError, AttributeError, TypeError, ValueError) as error:
        raise PolicyError(f"{file}: cannot be loaded: {error}") from error
    except PolicyError as error:
        raise PolicyError(f"{file}: {error}") from error
    return _declared.pop(name, [])
