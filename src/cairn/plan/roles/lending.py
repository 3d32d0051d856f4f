"""What lends frozen data sets: a job on the host, whose user reaches the compute nodes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cairn.plan import ways
from cairn.plan.buckets import lends, lent
from cairn.plan.model import Account, Flow, PlannedFile, PlannedRole
from cairn.plan.roles import enrolment
from cairn.plan.roles.freeze import STORAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.plan.context import Context
    from cairn.spec.imaging import Copy

ROLE: Final = "lending"
#: The account that the jobs run as; the storage knows it as `lending`.
USER: Final = "cairn-lending"
FILES: Final = (
    "/etc/cairn/lending.json",
    f"/etc/systemd/system/{USER}@.service",
    f"/etc/tmpfiles.d/{USER}.conf",
)


def plan(context: Context) -> PlannedRole | None:
    """Plan what lends data sets, where the spec lets somebody have copies of one."""
    if not lends(context.spec, context.host.runs):
        return None
    return PlannedRole(
        name=ROLE,
        settings={
            "user": USER,
            "identity": enrolment.FOLDER,
            "credentials": "/etc/cairn/storage/consumers/lending.credentials",
            "told": _told(context),
        },
        files=tuple(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
        accounts=(Account(USER, "sends copies of data sets to compute nodes", login=False),),
        flows=tuple(_flows(context)),
        promises=tuple(
            (
                "copies",
                f"{one.name} goes to {copy.to} until {copy.until}, and to nobody unnamed",
            )
            for one in lent(context.spec)
            for copy in one.copies
        ),
    )


def _told(context: Context) -> dict[str, Any]:
    """Return what the program on the host must know of the spec."""
    spec = context.spec
    return {
        "node": spec.name,
        "storage": STORAGE,
        "authority": "/etc/cairn/pki/authority.crt",
        "permits": [
            {"id": one.id, "datasets": list(one.datasets), "expires": str(one.expires)}
            for one in getattr(spec, "permits", ())
        ],
        "datasets": {
            one.name: {copy.to: _end(context, copy) for copy in one.copies} for one in lent(spec)
        },
    }


def _end(context: Context, copy: Copy) -> dict[str, Any]:
    file = context.document.federation
    if file is None:
        raise ValueError(f"{context.spec.name} belongs to no federation and lends data sets")
    return {
        "host": copy.at,
        "port": copy.port,
        "name": enrolment.name_of(copy.to, file),
        "until": str(copy.until),
        "proxy": ways.proxy_end(context.spec.network, copy.at),
    }


def _flows(context: Context) -> Iterator[Flow]:
    """Yield the ways to the compute nodes; those that end at the same proxy are one."""
    ends: dict[tuple[str, int], list[tuple[str, str, bool]]] = {}
    for one in lent(context.spec):
        for copy in one.copies:
            proxy = ways.proxy_end(context.spec.network, copy.at)
            used = ends.setdefault(proxy or (copy.at, copy.port), [])
            used.append((one.name, copy.to, proxy is not None))
    for (peer, port), used in sorted(ends.items()):
        names, nodes = sorted({one for one, _, _ in used}), sorted({to for _, to, _ in used})
        through = any(proxied for _, _, proxied in used)
        why = f"Copies of {', '.join(names)} go to {', '.join(nodes)}, as the site consents"
        yield Flow(
            name=f"copies-{nodes[0]}",
            direction="out",
            peer=peer,
            protocol="tcp",
            port=port,
            why=f"{why}{', through its proxy' if through else ''}.",
            role=ROLE,
            tls=None if through else "1.3",
            user=USER,
        )
