"""Runs the components of the Pulumi program against a monitor that only writes down."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime.mocks import MockMonitor, MockResourceArgs, Mocks, set_mocks

from cairn.plan.context import Place
from cairn.plan.derive import derive
from cairn.spec.hosts import ExistingMachine
from cairn.spec.loader import load
from cairn.stack.admission import Admitted

if TYPE_CHECKING:
    from collections.abc import Callable

STACKS = Path(__file__).resolve().parents[2] / "stacks"
# Pulumi makes the program's folder the first place to import from.
sys.path.insert(0, str(STACKS))

#: How the machine says that it is reached once it runs.
CONNECTION = {"local": False, "address": "198.18.0.10", "port": 22, "user": "cairn"}


@dataclass(frozen=True)
class Registered:
    """One resource as the program registered it."""

    type: str
    name: str
    inputs: dict[str, Any]
    request: Any

    @property
    def urn(self) -> str:
        return f"::{self.type}::{self.name}"


class _Answers(Mocks):
    """Plays the provider: a machine has a connection, a role has run so many times."""

    def __init__(self) -> None:
        self.inputs: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.inputs[args.name] = dict(args.inputs)
        more = {"Machine": {"connection": CONNECTION}, "Role": {"runs": len(self.inputs)}}
        return args.name, {**args.inputs, **more.get(args.typ.rsplit(":", 1)[-1], {})}

    def call(self, args: Any) -> Any:  # noqa: ANN401 - pulumi's own signature
        raise AssertionError(args)


class _Monitor(MockMonitor):
    """Keeps the requests, which say more than a mock is told: parents and dependencies."""

    def __init__(self, mocks: _Answers) -> None:
        super().__init__(mocks)
        self.requests: list[Any] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802, ANN401 - pulumi's own
        self.requests.append(request)
        return super().RegisterResource(request)


def registered(program: Callable[[], object], stack: str) -> list[Registered]:
    """Run a program and return what it registered, in that order."""
    # The mocks want the loop of the main thread, which an earlier test may have closed.
    asyncio.set_event_loop(asyncio.new_event_loop())
    answers = _Answers()
    monitor = _Monitor(answers)
    set_mocks(answers, project="cairn-nodes", stack=stack, monitor=monitor)

    @pulumi.runtime.test
    def run() -> None:
        program()

    run()
    return [
        Registered(each.type, each.name, answers.inputs.get(each.name, {}), each)
        for each in monitor.requests
    ]


def admitted(spec: Path) -> Admitted:
    """Return a node as admission would, with made-up places of its hosts."""
    document = load(spec)
    places = {
        host.name: Place(host.machine.existing, host.machine.user)
        if isinstance(host.machine, ExistingMachine)
        else Place("198.18.0.10", "cairn", "198.18.0.1", "http://198.18.0.1:3142")
        for host in document.spec.hosts
    }
    return Admitted(document, derive(document, places))
