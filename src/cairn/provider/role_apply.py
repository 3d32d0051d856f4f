"""Turning the inputs of a role into a run, and the run's end into the state of the resource."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cairn import house
from cairn.ansible.job import Connection, HostFile, RoleRun
from cairn.ansible.logs import new_log
from cairn.ansible.run import run_role
from cairn.provider import artefacts
from cairn.provider.failures import HalfDone, Refused
from cairn.provider.role_diff import digest_of_inputs, digests_of_files
from cairn.provider.role_inputs import role_folder
from cairn.provider.root_shell import root_shell
from cairn.provider.wire import (
    UNKNOWN,
    Secret,
    Values,
    has_secret,
    has_unknown,
    plain,
    secret_texts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cairn.ansible.outcome import Outcome
    from cairn.artefacts.lock import Artefact
    from cairn.provider.resource import Context


def identity_of(inputs: Values) -> str:
    """Return the id of a role: `NODE/HOST/ROLE`."""
    return "/".join(plain(inputs[name]) for name in ("node", "host", "role"))


async def apply_role(
    context: Context, inputs: Values, old_inputs: Values, old_outputs: Values
) -> Values:
    """Run the role and return the outputs.

    Raises:
        Refused: It failed before it touched the host.
        HalfDone: It failed, was cancelled or took too long part-way.
    """
    obsolete = _paths(old_inputs) | set(plain(old_outputs.get("files")) or {})
    run = plan_run(inputs, obsolete=sorted(obsolete - _paths(inputs)))
    # Whatever the end, these paths may be on the host: the next run must know them.
    half = {
        **_who(inputs),
        "files": {**(old_outputs.get("files") or {}), **digests_of_files(inputs)},
        "applied": "",
        "runs": _runs(old_outputs),
        "changed": 0,
        "drift": old_outputs.get("drift") or [],
    }
    sent = artefacts.wanted(inputs)
    outcome = await _perform(
        context, run, lambda why: HalfDone(why, identity_of(inputs), half), sent
    )
    if outcome.failure is None:
        await context.status(_end_of(outcome))
        return outputs_of(inputs, runs=_runs(old_outputs) + 1, changed=len(outcome.changes))
    if not outcome.begun:
        raise Refused(outcome.sentence())
    raise HalfDone(outcome.sentence(), identity_of(inputs), half)


async def find_drift(context: Context, inputs: Values, outputs: Values) -> Values:
    """Run the role in check mode and return the outputs with what it would change.

    Raises:
        Refused: The host cannot be asked.
    """
    run = _logged(plan_run(inputs, check=True))
    try:
        async with asyncio.timeout(context.timeout or None):
            outcome = await context.surveys.look(run, context.status)
    except TimeoutError:
        raise Refused(_too_long(run, context)) from None
    if outcome.failure is not None:
        raise Refused(outcome.sentence())
    await context.status(_end_of(outcome, "differs", "differ"))
    drift = [{"task": c.task, "what": c.what, "diff": c.diff} for c in outcome.changes]
    return {**outputs, **_who(inputs), "drift": drift}


async def remove_role(context: Context, inputs: Values, outputs: Values) -> None:
    """Run the role's removal, which keeps data.

    Raises:
        Refused: The role has no removal, or it failed; Pulumi keeps the resource.
    """
    role = plain(inputs["role"])
    if not (role_folder(role) / "tasks" / "remove.yml").is_file():
        raise Refused(
            f"role {role} cannot be removed: {role_folder(role)}/tasks/remove.yml is missing"
        )
    paths = sorted(_paths(inputs) | set(plain(outputs.get("files")) or {}))
    run = plan_run(inputs, obsolete=paths, tasks_from="remove")
    outcome = await _perform(context, run, Refused)
    if outcome.failure is not None:
        raise Refused(outcome.sentence())


def plan_run(
    inputs: Values,
    *,
    obsolete: list[str] | None = None,
    tasks_from: str = "main",
    check: bool = False,
) -> RoleRun:
    """Return the run that the inputs ask for, with everything secret named as such."""
    who = _who(inputs)
    return RoleRun(
        node=plain(inputs["node"]),
        **who,
        roles=str(house.root() / "roles"),
        log="",
        work=str(house.private() / "work"),
        connection=_connection(inputs),
        variables=plain(inputs.get("variables")) or {},
        files=_host_files(inputs),
        obsolete=tuple(obsolete or ()),
        artefacts=tuple(artefacts.seen_by_role(one) for one in artefacts.wanted(inputs)),
        tasks_from=tasks_from,
        check=check,
        secrets=tuple(secret_texts([inputs.get("variables"), inputs.get("connection")])),
    )


async def _perform(
    context: Context,
    run: RoleRun,
    cut_short: Callable[[str], Exception],
    sent: Sequence[Artefact] = (),
) -> Outcome:
    begun = False
    try:
        async with context.turn(f"{run.connection.address}:{run.connection.port}"):
            begun = True
            async with root_shell(run.host, run.connection) as shell:
                await artefacts.send(shell, sent, context.status)
            return await run_role(_logged(run), context.status)
    except TimeoutError:
        why = _too_long(run, context)
    except asyncio.CancelledError:
        if not begun:
            raise
        why = f"{run.host}: role {run.role}: was cancelled part-way; the next `cairn up` goes on"
    raise cut_short(why)


def _logged(run: RoleRun) -> RoleRun:
    """Return the run with a log of its own."""
    log = new_log(house.private() / "runs", run.node, run.host, run.role)
    return replace(run, log=str(log))


def _too_long(run: RoleRun, context: Context) -> str:
    allowed = f"the {context.timeout:g} s that its timeout allows"
    return f"{run.host}: role {run.role}: took longer than {allowed}"


def outputs_of(inputs: Values, *, runs: Any, changed: Any) -> Values:  # noqa: ANN401
    """Return the outputs of a role that is as its inputs say.

    `runs` counts the times it was applied: whoever proves the host asks again when it rises, also
    after a repair that ends with the same files.
    """
    return {
        **_who(inputs),
        "files": digests_of_files(inputs),
        "applied": UNKNOWN if has_unknown(inputs) else digest_of_inputs(inputs),
        "runs": runs,
        "changed": changed,
        "drift": [],
    }


def _runs(outputs: Values) -> int:
    return int(plain(outputs.get("runs")) or 0)


def _end_of(outcome: Outcome, one: str = "changed", many: str = "changed") -> str:
    """Return the last word of the status line, which stays when the run is over."""
    count = len(outcome.changes)
    return f"{count or 'nothing'} {one if count <= 1 else many}"


def _who(inputs: Values) -> dict[str, str]:
    return {"host": plain(inputs["host"]), "role": plain(inputs["role"])}


def _paths(inputs: Values) -> set[str]:
    """Return what an apply of these inputs puts on the host: files, and artefacts beside them."""
    files = set(plain(inputs.get("files")) or {})
    return files | {one.path for one in artefacts.wanted(inputs)}


def _connection(inputs: Values) -> Connection:
    given = plain(inputs["connection"])
    return Connection(**{name: value for name, value in given.items() if value is not None})


def _host_files(inputs: Values) -> dict[str, HostFile]:
    files = inputs.get("files") or {}
    all_secret = isinstance(files, Secret)
    opened = files.value if isinstance(files, Secret) else files
    return {
        path: HostFile(**plain(file), secret=all_secret or has_secret(file))
        for path, file in opened.items()
    }
