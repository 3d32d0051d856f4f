"""The proof that a node is as planned, as a Pulumi resource: `cairn verify` after each apply."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cairn.ansible.process import end_descendants
from cairn.provider.failures import HalfDone, Refused
from cairn.provider.resource import Difference, Input
from cairn.provider.wire import UNKNOWN, Values, has_unknown, plain

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from cairn.provider.resource import Context, Kind

VERIFICATION_INPUTS = {"node": Input("string"), "triggers": Input("array", required=False)}
#: The command line of this same installation.
PROGRAM = str(Path(sys.executable).parent / "cairn")
#: Exit codes of `cairn verify` that come with an answer: all is well, or findings are open.
_ANSWERED = (0, 5)
#: What the checks must not inherit: the state's passphrase and the backend's credentials.
_KEPT_BACK = ("PULUMI_", "AWS_", "AZURE_", "GOOGLE_", "VAULT_")


class Verification:
    """Asks the hosts whether they are as planned; open findings fail the update and are kept."""

    inputs = VERIFICATION_INPUTS

    def check(self, inputs: Values) -> tuple[Values, list[tuple[str, str]]]:
        """Take the inputs as they are."""
        return {"triggers": [], **inputs}, []

    def diff(self, old_inputs: Values, _old_outputs: Values, inputs: Values) -> Difference:
        """Ask again when something was applied."""
        changes: dict[str, Kind] = {}
        if plain(old_inputs.get("node")) != plain(inputs.get("node")):
            changes["node"] = "UPDATE_REPLACE"
        if plain(old_inputs.get("triggers")) != plain(inputs.get("triggers")):
            changes["triggers"] = "UPDATE"
        return Difference(changes)

    async def create(self, context: Context, inputs: Values) -> tuple[str, Values]:
        """Ask for the first time."""
        return plain(inputs["node"]), await verify(context, inputs)

    async def read(self, _context: Context, inputs: Values, outputs: Values) -> Values | None:
        """Leave the last answer as it is; drift is what roles are read for."""
        return outputs if inputs else None

    async def update(
        self, context: Context, _old_inputs: Values, _old_outputs: Values, inputs: Values
    ) -> Values:
        """Ask again."""
        return await verify(context, inputs)

    async def delete(self, _context: Context, _inputs: Values, _outputs: Values) -> None:
        """Forget the answer."""


async def verify(context: Context, inputs: Values) -> Values:
    """Run `cairn verify` on the node and return how many expectations are met.

    Raises:
        Refused: The hosts could not be asked.
        HalfDone: Something is not as planned; the next `up` asks again.
    """
    if context.preview or has_unknown(inputs):
        return {"passed": UNKNOWN}
    node = plain(inputs["node"])
    await context.status("asking the hosts")
    status, answer = await _ask(node, context.timeout)
    if status not in _ANSWERED or answer is None:
        raise Refused(f"{node}: `cairn verify {node}` could not ask the hosts; run it by hand")
    passed = {"passed": answer["counts"].get("pass", 0)}
    if answer["blocking"]:
        raise HalfDone(open_findings(node, answer), node, passed)
    return passed


def open_findings(node: str, answer: dict[str, Any]) -> str:
    """Return the findings that need somebody, one line each, under a line that counts them."""
    lines = [
        f"{one['target']}: {one['check']} {one['title']}: {one['verdict']}: {one['message']}"
        for one in answer["findings"]
        if one["verdict"] in {"fail", "not-evaluated"}
    ]
    head = f"{node} is not as planned in {answer['blocking']} points; `cairn verify {node}` has all"
    return "\n".join([head, *lines])


async def _ask(node: str, timeout: float) -> tuple[int | None, dict[str, Any] | None]:  # noqa: ASYNC109
    child = await asyncio.create_subprocess_exec(
        *("setpriv", "--pdeathsig", "TERM", PROGRAM, "verify", node, "--format", "json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={k: v for k, v in os.environ.items() if not k.startswith(_KEPT_BACK)},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout or None):
            out, _ = await child.communicate()
    except TimeoutError:
        raise Refused(f"{node}: asking the hosts took longer than {timeout:g} s") from None
    finally:
        await asyncio.shield(_end(child))
    try:
        answer = json.loads(out)
    except ValueError:
        return child.returncode, None
    return child.returncode, answer if isinstance(answer, dict) else None


async def _end(child: Process) -> None:
    if child.returncode is None:
        await asyncio.to_thread(end_descendants, 1.0, child.pid)
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
