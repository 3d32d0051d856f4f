"""The register of verbs: where each lives, and the line that `cairn --help` shows for it.

Kept apart from the verbs themselves so that help and completion import none of them; a test
compares each line with the verb's own help.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb of the command line.

    Attributes:
        name: What is typed after `cairn`.
        summary: The first sentence of its help, without the full stop.
        attribute: Name of the click command in `cairn.cli.<module>`.
        module: Module that holds it.
    """

    name: str
    summary: str
    module: str
    attribute: str


def _verb(name: str, summary: str, *, module: str | None = None) -> Verb:
    return Verb(name, summary, f"cairn.cli.{module or name}", name)


#: Verbs in the order in which a person meets them, by what they are for.
SECTIONS: dict[str, tuple[Verb, ...]] = {
    "Describe a node": (
        _verb("new", "Write the spec of a new node"),
        _verb("nodes", "List all nodes and whether their specs load"),
        _verb("schema", "Print the JSON Schema of a spec"),
        _verb("migrate", "Rewrite specs in an older format to the current one"),
    ),
    "Read before anything changes": (
        _verb("check", "Judge specs and plans against the policy checks"),
        _verb("show", "Show everything that follows from a spec"),
        _verb("render", "Write the files that a node's hosts would get"),
        _verb("preview", "Show exactly what `cairn up` would change"),
        _verb("policy", "Read what is asked of nodes, and on which demand"),
        _verb("waiver", "Read and sign the exceptions of a node"),
    ),
    "Change hosts": (
        _verb("up", "Make the hosts of a node as its spec says"),
        _verb("destroy", "Remove what Cairn put on the hosts of a node"),
        _verb("certificate", "Give a client of a node its certificate"),
        _verb("unlock", "Show who holds the lock of a node, and break a lock left behind"),
    ),
    "Look at live hosts": (
        _verb("verify", "Ask the live hosts whether they are as planned"),
        _verb("drift", "Find what was changed on the hosts by hand"),
        _verb("watch", "Ask a node, keep the report, and tell what changed"),
    ),
    "Run the hub of a federation": (
        _verb("hub", "Keep a federation: its root, and who belongs to it"),
        _verb("results", "Compare the models that trainings made"),
    ),
    "Let apps run": (
        _verb("app", "Build, sign, submit, approve and run apps of the federation"),
        _verb("runs", "Show what was approved, run and refused on a node or the hub"),
    ),
    "Answer to auditors": (_verb("report", "Write what an auditor can verify off-line"),),
    "Look after frozen data": (_verb("dataset", "Freeze data sets, and look after them"),),
    "Rehearse": (_verb("sandbox", "Manage the throw-away hosts of this computer"),),
}

VERBS: dict[str, Verb] = {verb.name: verb for verbs in SECTIONS.values() for verb in verbs}
