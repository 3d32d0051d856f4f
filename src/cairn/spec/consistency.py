"""What the parts of a spec say about each other: names, roles, addresses, dates.

Each question is asked of the tree as it was read, so that it is answered even where another part
is wrong. Whether a spec is *good* is asked by the checks, not here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import date
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeAlias, get_args

from cairn.spec.buckets import BUCKET_QUESTIONS
from cairn.spec.copies import COPY_QUESTIONS
from cairn.spec.imaging import CARRIED_OUT, DeidentificationOption
from cairn.spec.node import KINDS
from cairn.spec.roles import EVERYWHERE, ROLES
from cairn.spec.services import Logging
from cairn.spec.vocabulary import closest, listed

if TYPE_CHECKING:
    from cairn.spec.tree import Loc, Tree

Question: TypeAlias = Callable[["Tree"], None]

#: Years that a date in a spec can be in; outside, a digit was mistyped.
_YEARS = range(2000, 2101)


def report_contradictions(tree: Tree) -> None:
    """Add a fault for each contradiction between parts of a spec."""
    if isinstance(tree.value, dict):
        for ask in _QUESTIONS:
            ask(tree)


def addresses(tree: Tree) -> list[tuple[Loc, str]]:
    """Return the addresses of existing machines, `local` included, in one notation."""
    found = tree.texts("hosts.*.machine.existing")
    return [(loc, _one_notation(address)) for loc, address in found]


def _one_notation(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address


def _name_is_that_of_the_file(tree: Tree) -> None:
    stem = PurePosixPath(tree.file).stem
    for loc, name in tree.texts("name"):
        if name != stem:
            tree.fault(loc, f"the file is called `{stem}`; give node and file the same name")


def _roles_are_known(tree: Tree) -> None:
    kind = next((value for _, value in tree.texts("kind") if value in KINDS), None)
    for loc, role in tree.texts("hosts.*.runs.*"):
        if role in EVERYWHERE:
            tree.fault(loc, f"`{role}` runs on every host; remove it")
        elif role not in ROLES:
            meant = closest(role, ROLES)
            fitting = [name for name, entry in ROLES.items() if kind in (None, *entry.kinds)]
            advice = f"did you mean `{meant}`?" if meant else f"use {listed(fitting)}"
            tree.fault(loc, f"unknown role; {advice}")
        elif kind and kind not in ROLES[role].kinds:
            kinds = listed(sorted(ROLES[role].kinds))
            tree.fault(loc, f"`{role}` does not run on a {kind} node; it is for {kinds}")


def _no_value_twice(pattern: str, what: str) -> Question:
    def ask(tree: Tree) -> None:
        seen: dict[str, Loc] = {}
        for loc, value in tree.texts(pattern):
            if value in seen:
                line = tree.spot(seen[value]).start.line + 1
                tree.fault(loc, f"{what} twice, first on line {line}; give each its own")
            seen.setdefault(value, loc)

    return ask


def _no_item_twice(pattern: str) -> Question:
    def ask(tree: Tree) -> None:
        for loc, value in tree.each(pattern):
            seen: set[str] = set()
            for index, item in enumerate(value if isinstance(value, list) else []):
                if isinstance(item, str) and item in seen:
                    tree.fault((*loc, index), "stands in this list twice; remove one")
                if isinstance(item, str):
                    seen.add(item)

    return ask


def _addresses_are_used_once(tree: Tree) -> None:
    seen: dict[str, Loc] = {}
    for loc, address in addresses(tree):
        if address in seen:
            line = tree.spot(seen[address]).start.line + 1
            tree.fault(loc, f"is used twice, first on line {line}; a machine is one host")
        seen.setdefault(address, loc)
    for loc, text in tree.texts("pacs.accepts.*.address"):
        if _one_notation(text) in seen:
            line = tree.spot(seen[_one_notation(text)]).start.line + 1
            tree.fault(loc, f"this is the address of the host on line {line}; name the modality's")


def _permits_name_known_datasets(tree: Tree) -> None:
    known = [name for _, name in tree.texts("datasets.*.name")]
    for loc, name in tree.texts("permits.*.datasets.*"):
        if name not in known:
            meant = closest(name, known)
            advice = f"did you mean `{meant}`?" if meant else "declare it under `datasets`"
            tree.fault(loc, f"unknown data set; {advice}")


def _waivers_name_known_hosts(tree: Tree) -> None:
    known = [name for _, name in tree.texts("hosts.*.name")]
    for loc, name in tree.texts("compliance.waivers.*.host"):
        if name not in known:
            meant = closest(name, known)
            advice = f"did you mean `{meant}`?" if meant else f"use {listed(known)}" if known else (
                "declare it under `hosts`"
            )  # fmt: skip
            tree.fault(loc, f"unknown host; {advice}")


def _logs_are_kept_before_they_are_deleted(tree: Tree) -> None:
    defaults = Logging()
    kept = dict(tree.each("logging.keep_days"))
    deleted = dict(tree.each("logging.at_most_days"))
    least = next(iter(kept.values()), defaults.keep_days)
    most = next(iter(deleted.values()), defaults.at_most_days)
    if type(least) is int and type(most) is int and most < least:
        loc = next(iter((*deleted, *kept)))
        tree.fault(
            loc, f"logs are kept {least} days but deleted after {most}; raise `at_most_days`"
        )


def _scratch_is_apart(tree: Tree) -> None:
    data = next(tree.texts("storage.path"), None)
    for pattern in ("storage.scratch", "compute.scratch"):
        for loc, scratch in tree.texts(pattern):
            one, other = PurePosixPath(scratch), PurePosixPath(data[1] if data else "/-")
            if one.is_relative_to(other) or other.is_relative_to(one):
                tree.fault(loc, "scratch and storage.path overlap; put them side by side")


def _ceph_has_an_endpoint(tree: Tree) -> None:
    for loc, engine in tree.texts("storage.engine"):
        if engine == "ceph" and not list(tree.each("storage.endpoint")):
            tree.fault(loc, "an existing Ceph needs its address; add `endpoint`")


def _disks_can_be_opened(tree: Tree) -> None:
    """What is declared of the key must be what the role `volume` can do with the disk."""
    path = next((text for _, text in tree.texts("storage.path")), "/-")
    files = dict(tree.texts("storage.encryption.key_file"))
    for loc, origin in tree.texts("storage.encryption.key_from"):
        if (origin == "file") != bool(files):
            tree.fault(loc, "a key from a file and `key_file` belong together; add the one, or "
                       "remove the other")  # fmt: skip
        if origin in {"tang", "kms"} and list(tree.each("storage.device")):
            tree.fault(loc, "Cairn opens disks with tpm2, file or prompt; open this one yourself "
                       "and remove `device`")  # fmt: skip
    for loc, file in files.items():
        if PurePosixPath(file).is_relative_to(path):
            tree.fault(loc, "lies on the disk that it opens; keep it on another one")


def _options_are_carried_out(tree: Tree) -> None:
    asked = {option for _, option in tree.texts("pacs.deidentify.options.*")}
    for loc, option in tree.texts("pacs.deidentify.options.*"):
        if option in get_args(DeidentificationOption) and option not in CARRIED_OUT:
            tree.fault(loc, "this release does not carry it out; remove it")
    for key, option in (("private", "retain-safe-private"), ("blank", "clean-pixel-data")):
        for loc, _ in tree.each(f"pacs.deidentify.{key}"):
            if option not in asked:
                tree.fault(loc, f"counts only with the option `{option}`; add it to `options`")


def _gpu_has_a_vendor(tree: Tree) -> None:
    for loc, vendor in tree.texts("gpu.vendor"):
        extra = [key for key in ("memory", "driver", "toolkit") if list(tree.each(f"gpu.{key}"))]
        if vendor == "none" and extra:
            tree.fault(loc, f"a GPU that is not there has no {listed(extra)}; remove that, or name "
                       "the vendor")  # fmt: skip


def _work_is_handed_out_by_what_runs(tree: Tree) -> None:
    """What is declared of the scheduler must be what a host runs, beside the agent that uses it."""
    if "compute" not in {kind for _, kind in tree.texts("kind")}:
        return
    slurm = [loc for loc, wanted in tree.texts("compute.scheduler") if wanted == "slurm"]
    all_runs = [(loc, runs) for loc, runs in tree.each("hosts.*.runs") if isinstance(runs, list)]
    running = [(loc, runs) for loc, runs in all_runs if "scheduler" in runs]
    for loc, runs in running:
        if not slurm:
            advice = "counts only with `compute.scheduler: slurm`; add that"
        elif "fl-agent" not in runs:
            advice = "nobody but `fl-agent` hands it work; let the host run that as well"
        else:
            continue
        tree.fault((*loc, runs.index("scheduler")), advice)
    for loc in [] if running else slurm:
        tree.fault(loc, "no host runs `scheduler`; add it to `runs` beside `fl-agent`")


def _production_is_not_thrown_away(tree: Tree) -> None:
    if ("stage",) in {loc for loc, stage in tree.texts("stage") if stage == "production"}:
        for loc, machine in tree.texts("hosts.*.machine"):
            if machine == "sandbox":
                tree.fault(loc, "a sandbox is thrown away; name an existing machine, or set "
                           "`stage: staging`")  # fmt: skip


def _dates_are_plausible(tree: Tree) -> None:
    for pattern in _DAYS:
        for loc, text in tree.texts(pattern):
            day = _day(text)
            if day and day.year not in _YEARS:
                tree.fault(loc, f"the year {day.year} is not plausible; check the digits")


def _in_order(first: str, then: str, message: str) -> Question:
    above, _, first_key = first.rpartition(".")
    then_key = then.rpartition(".")[2]

    def ask(tree: Tree) -> None:
        for loc, value in tree.each(above):
            days = (
                {key: _day(value.get(key)) for key in (first_key, then_key)}
                if isinstance(value, dict)
                else {}
            )
            one, other = days.get(first_key), days.get(then_key)
            if one and other and other < one:
                tree.fault((*loc, then_key), message)

    return ask


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


_DAYS = (
    "legal.dpia.approved",
    "legal.dpia.review_by",
    "legal.agreement.signed",
    "permits.*.expires",
    "permits.*.delete_by",
    "datasets.*.copies.*.until",
    "compliance.waivers.*.expires",
)
_QUESTIONS: tuple[Question, ...] = (
    _name_is_that_of_the_file,
    _roles_are_known,
    _no_value_twice("hosts.*.name", "a host has this name"),
    _no_value_twice("administrators.*.name", "an administrator has this name"),
    _no_value_twice("pacs.accepts.*.aet", "a modality has this title"),
    _no_value_twice("pacs.consumers.*.name", "a consumer has this name"),
    _no_value_twice("network.egress.*.name", "a destination has this name"),
    _no_value_twice("datasets.*.name", "a data set has this name"),
    _no_value_twice("permits.*.id", "a permit has this number"),
    _no_value_twice("storage.buckets.*.name", "a bucket has this name"),
    _no_value_twice("storage.consumers.*.name", "a consumer has this name"),
    _no_item_twice("hosts.*.runs"),
    _no_item_twice("hosts.*.machine.lacks"),
    _no_item_twice("pacs.accepts.*.may"),
    _no_item_twice("pacs.consumers.*.may"),
    _no_item_twice("pacs.consumers.*.networks"),
    _no_item_twice("pacs.deidentify.options"),
    _no_item_twice("permits.*.persons"),
    _no_item_twice("permits.*.datasets"),
    _addresses_are_used_once,
    _permits_name_known_datasets,
    _waivers_name_known_hosts,
    _logs_are_kept_before_they_are_deleted,
    _scratch_is_apart,
    _ceph_has_an_endpoint,
    _disks_can_be_opened,
    _gpu_has_a_vendor,
    _work_is_handed_out_by_what_runs,
    _options_are_carried_out,
    _production_is_not_thrown_away,
    _dates_are_plausible,
    _in_order("legal.dpia.approved", "legal.dpia.review_by", "is before `approved`; check both"),
    _in_order("permits.*.expires", "permits.*.delete_by", "is before `expires`; check both"),
    *BUCKET_QUESTIONS,
    *COPY_QUESTIONS,
)
