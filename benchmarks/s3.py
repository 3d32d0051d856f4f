"""Puts and gets through the storage as Cairn runs it, beside a bare versitygw on the same host.

Run as root: `python benchmarks/s3.py`. A sandbox host is made and removed again. Both servers speak
TLS with the same certificate and keep versions; the bare one has no hardening, no access log, no
policies, and its administrator for a client. Rounds alternate, and what counts is the best of each.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cairn import house, sandbox
from cairn.ansible.job import Connection, HostFile, RoleRun
from cairn.ansible.run import run_role
from cairn.plan.context import Context, Place
from cairn.plan.model import PlannedHost
from cairn.plan.roles import certificate, storage
from cairn.provider import artefacts, bucket_state
from cairn.provider.root_shell import root_shell
from cairn.provider.s3 import client_of, s3_of_host
from cairn.render.files import render_role
from cairn.spec.imaging import Storage, StorageConsumer
from cairn.spec.loader import load_node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from cairn.plan.model import PlannedRole
    from cairn.provider.root_shell import RootShell

NODE, HOST, BUCKET = "demo-hospital-a", "bench-s3", "lung-ct"
MIB = 2**20
ROUNDS = 24
BARE_PORT = 7080
#: The same program without anything of ours but the certificate.
BARE = f"""mkdir -p /srv/bare/buckets /srv/bare/versions /srv/bare/users
ROOT_ACCESS_KEY_ID=bare ROOT_SECRET_ACCESS_KEY=bare-secret-of-a-benchmark setsid \\
{storage.PROGRAM} --port :{BARE_PORT} --cert {certificate.CERTIFICATE} --key {certificate.KEY} \\
--iam-dir /srv/bare/users --quiet posix --versioning-dir /srv/bare/versions /srv/bare/buckets \\
</dev/null >/dev/null 2>&1 &"""
KEYS = "cat /etc/cairn/storage/consumers/bench.credentials"


async def main() -> None:
    """Measure both servers and print the table."""
    async with standing() as (address, shell, way):
        async with s3_of_host(HOST, way) as client:
            wanted = {"name": BUCKET, "versioning": True, "writers": ["bench"]}
            await asyncio.to_thread(prepare, client, wanted)
        await shell.ask(BARE)
        lines = (await shell.ask(KEYS)).splitlines()
        secret = lines[2].partition(" = ")[2]
        with tempfile.NamedTemporaryFile("w") as trusted:
            trusted.write(await shell.ask(f"cat {certificate.AUTHORITY}"))
            trusted.flush()
            ours = client_of(f"https://{address}:{storage.PORT}", ("bench", secret), trusted.name)
            keys = ("bare", "bare-secret-of-a-benchmark")
            bare = client_of(f"https://{address}:{BARE_PORT}", keys, trusted.name)
            await asyncio.to_thread(compare, ours, bare)


def prepare(client: Any, wanted: dict[str, Any]) -> None:  # noqa: ANN401 - boto3 has no types
    """Make a bucket with versions and a policy."""
    settings = bucket_state.settings_of(wanted)
    bucket_state.make(client, BUCKET, settings)
    found = bucket_state.look(client, BUCKET)
    bucket_state.change(client, BUCKET, found or {}, settings)


def compare(ours: Any, bare: Any) -> None:  # noqa: ANN401
    """Run every measurement on both servers in turns."""
    patience = time.monotonic() + 20
    while True:
        try:
            prepare(bare, {"name": BUCKET, "versioning": True})
            break
        except Exception:
            if time.monotonic() > patience:
                raise
            time.sleep(0.2)
    print(f"{'':<34}{'bare':>10}{'ours':>10}{'ours/bare':>11}")
    for name, unit, act in MEASURED:
        found: dict[str, list[float]] = {"bare": [], "ours": []}
        for number in range(ROUNDS):
            # Whoever comes second writes while the first one's pages still go to the disk.
            pair = [("bare", bare), ("ours", ours)]
            for which, client in pair if number % 2 else reversed(pair):
                found[which].append(act(client))
        plain, kept = max(found["bare"]), max(found["ours"])
        print(f"{name:<34}{plain:>10.1f}{kept:>10.1f}{kept / plain:>11.2f}   {unit}")


def per_second(amount: float, act: Callable[[], object]) -> float:
    """Return how much of something was done in a second."""
    begun = time.perf_counter()
    act()
    return amount / (time.perf_counter() - begun)


def put_large(client: Any) -> float:  # noqa: ANN401
    """Return MiB a second of one large object on its way in."""
    body = os.urandom(64 * MIB)
    return per_second(64, lambda: client.put_object(Bucket=BUCKET, Key="large", Body=body))


def get_large(client: Any) -> float:  # noqa: ANN401
    """Return MiB a second of one large object on its way out."""

    def act() -> None:
        client.get_object(Bucket=BUCKET, Key="large")["Body"].read()

    return per_second(64, act)


def put_slices(client: Any) -> float:  # noqa: ANN401
    """Return CT slices (512 KiB) a second on their way in."""
    body = os.urandom(MIB // 2)

    def act() -> None:
        for number in range(40):
            client.put_object(Bucket=BUCKET, Key=f"slices/{number}", Body=body)

    return per_second(40, act)


def get_slices(client: Any) -> float:  # noqa: ANN401
    """Return CT slices a second on their way out."""

    def act() -> None:
        for number in range(40):
            client.get_object(Bucket=BUCKET, Key=f"slices/{number}")["Body"].read()

    return per_second(40, act)


MEASURED: list[tuple[str, str, Callable[[Any], float]]] = [
    ("put 64 MiB", "MiB/s", put_large),
    ("get 64 MiB", "MiB/s", get_large),
    ("put 512 KiB", "1/s", put_slices),
    ("get 512 KiB", "1/s", get_slices),
]


@asynccontextmanager
async def standing() -> AsyncIterator[tuple[str, RootShell, Connection]]:
    """Give a sandbox host with the storage, reachable from this computer."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            place, way = await asyncio.to_thread(start)
            context = planned_for(place)
            async with root_shell(HOST, way) as shell:
                await shell.ask("apt-get update --quiet")
                for role in (certificate.plan(context), storage.plan(context)):
                    await apply(role, way, shell, Path(folder))
                yield place.address, shell, way
        finally:
            await asyncio.to_thread(sandbox.remove, HOST, HOST)


def planned_for(place: Place) -> Context:
    """Return what the roles are planned from: the demo's spec with one remote consumer."""
    document = load_node(NODE)
    consumer = StorageConsumer(name="bench", writes=(BUCKET,), comes_from=place.gateway)
    kept = Storage(path="/srv/imaging", size="1 GiB", consumers=(consumer,))
    spec = document.spec.model_copy(update={"storage": kept})
    return Context(replace(document, spec=spec), spec.hosts[0], place)


def start() -> tuple[Place, Connection]:
    """Start the sandbox host."""
    reserved, running = sandbox.reserve(HOST, HOST), sandbox.start(HOST, HOST, os="debian-13")
    way = Connection(**running.connection)
    return Place(reserved.address, way.user, reserved.gateway, reserved.package_cache), way


async def apply(role: PlannedRole, way: Connection, shell: RootShell, folder: Path) -> None:
    """Apply a role as the provider does; end the benchmark if it fails."""
    await artefacts.send(shell, role.artefacts, quiet)
    planned = PlannedHost(HOST, "debian-13", way.address, True, (), (), (role,))  # noqa: FBT003
    files = render_role(HOST, planned, role)
    run = RoleRun(
        node=HOST,
        host=HOST,
        role=role.name,
        roles=str(house.root() / "roles"),
        log=str(folder / "log"),
        work=str(folder / "work"),
        connection=way,
        variables=dict(role.variables),
        files={f.path: HostFile(f.content, f.mode, f.owner, f.group) for f in files},
        artefacts=tuple(artefacts.seen_by_role(one) for one in role.artefacts),
    )
    outcome = await run_role(run, quiet)
    if outcome.failure:
        sys.exit(shlex.quote(str(outcome.failure)))


async def quiet(_: str) -> None:
    """Say nothing."""


if __name__ == "__main__":
    asyncio.run(main())
