"""A plan as a person reads it: each host with what runs there, who may reach it, what it gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn.cli import screen
from cairn.spec.hosts import CAPABILITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType
    from rich.text import Text

    from cairn.artefacts.lock import Artefact
    from cairn.plan.model import (
        Account,
        Flow,
        Plan,
        PlannedBucket,
        PlannedHost,
        PlannedRole,
        Service,
    )
    from cairn.spec.site import Site

#: What a machine without a capability does not have, as a phrase.
LACKS = {
    "kernel": "a kernel of its own",
    "clock": "a clock of its own",
    "audit": "an audit daemon",
    "apparmor": "AppArmor",
}
#: Peers of a flow that are words of the plan, in the words of a person.
PEERS = {"resolvers": "its name servers", "anywhere": "everywhere"}


def title(plan: Plan, site: Site) -> RenderableType:
    """Return the lines that name the node and who answers for it."""
    return screen.text(
        (plan.node, "bold"),
        f"   {plan.kind}, {plan.stage}\n{site.institution} ({site.country})",
    )


def host_parts(host: PlannedHost) -> Iterator[RenderableType]:
    """Yield everything that is planned for one host, part by part."""
    yield _heading(host)
    yield screen.indented(screen.table(list(_facts(host))), 2)
    yield from _part("Reached by", [_flow(f) for f in host.flows if f.direction == "in"])
    yield from _part("Reaches", [_flow(f) for f in host.flows if f.direction == "out"])
    yield from _part(
        "Listens on",
        [(f"{each.address}:{each.port}", each.protocol, each.process) for each in host.listeners],
    )
    yield from _part("Accounts", [_account(each) for each in host.accounts])
    yield from _part("Packages", [(r.name, _words(r.packages)) for r in host.roles if r.packages])
    yield from _part("Artefacts", [_artefact(each) for r in host.roles for each in r.artefacts])
    yield from _part("Buckets", [_bucket(each) for r in host.roles for each in r.buckets])
    yield from _part("Services", [(r.name, _services(r)) for r in host.roles if r.services])
    yield from _part("Files", [_file for role in host.roles for _file in _files(role)])
    yield from _part(
        "Left out", [(role.name, each) for role in host.roles for each in role.without]
    )


def _heading(host: PlannedHost) -> Text:
    where = "this computer" if host.address == "local" else host.address
    kind = "   sandbox" if host.sandbox else ""
    return screen.text((host.name, "bold"), f"   {host.os}   {where}{kind}")


def _facts(host: PlannedHost) -> Iterator[tuple[Text, str | Text]]:
    yield screen.text(("runs", "dim")), _words(role.name for role in host.roles)
    if host.pending:
        told = f"{_words(host.pending)}: declared, but this release cannot install it yet"
        yield screen.text(("not yet", "yellow")), screen.text((told, "yellow"))
    lacking = [LACKS[each] for each in CAPABILITIES if each not in host.capabilities]
    if lacking:
        yield screen.text(("lacks", "dim")), _words(lacking)
    if host.volumes:
        yield screen.text(("data in", "dim")), _words(host.volumes)


def _part(name: str, rows: Sequence[tuple[str | Text, ...]]) -> Iterator[RenderableType]:
    """Yield a heading with its rows; nothing where there are none."""
    if rows:
        yield screen.text("\n  ", (name, "bold cyan"))
        yield screen.indented(screen.table(rows), 4)


def _flow(flow: Flow) -> tuple[str | Text, ...]:
    limits = [f" Only as {flow.user}."] if flow.user else []
    limits += [f" TLS {flow.tls} or higher."] if flow.tls else []
    return (
        PEERS.get(flow.peer, flow.peer),
        f"{flow.protocol} {flow.port}",
        screen.text(flow.why, *limits, (f"  [{flow.name}]", "dim")),
    )


def _account(account: Account) -> tuple[str, str]:
    may = ["SSH login" if account.login else "no login"]
    may += [f"sudo {account.sudo}"] if account.sudo != "no" else []
    may += [_count(len(account.keys), "key")] if account.keys else []
    return account.name, f"{account.purpose} ({', '.join(may)})"


def _artefact(artefact: Artefact) -> tuple[str, str, str]:
    return (
        f"{artefact.name} {artefact.version}",
        artefact.licence,
        f"sha256:{artefact.sha256}",
    )


def _bucket(bucket: PlannedBucket) -> tuple[str, str, str]:
    kept = ["versions"] if bucket.versioning else []
    kept += [f"locked {bucket.retention[1]} days"] if bucket.retention else []
    kept += [f"deleted after {bucket.expire_days} days"] if bucket.expire_days else []
    users = [f"read by {_words(bucket.readers)}"] if bucket.readers else []
    users += [f"written by {_words(bucket.writers)}"] if bucket.writers else []
    return bucket.name, _words(users) or "used by nobody", _words(kept)


def _services(role: PlannedRole) -> str:
    return _words(_service(service) for service in role.services)


def _service(service: Service) -> str:
    if service.active and service.enabled:
        return service.unit
    states = (
        "running" if service.active else "stopped",
        "at boot" if service.enabled else "not at boot",
    )
    return f"{service.unit} ({', '.join(states)})"


def _files(role: PlannedRole) -> Iterator[tuple[str, str, str]]:
    for file in sorted(role.files, key=lambda each: each.path):
        yield file.path, f"{file.mode} {file.owner}:{file.group}", role.name


def _words(words: Iterable[str]) -> str:
    return ", ".join(words)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
