"""Apps on a live host: which may run, what they see, what may leave, and what is written down."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cairn.checks.registry import check
from cairn.checks.verdicts import NOT_APPLICABLE, At, Severity
from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.checks.host import EvidenceHost
    from cairn.checks.verdicts import Findings

#: Tries as the agent's user what the role is for; prints word, whether it holds, a sentence.
PROOF = (
    "cd / && PYTHONPATH=/usr/local/lib/cairn FLWR_TELEMETRY_ENABLED=0 FLWR_DISABLE_UPDATE_CHECK=1 "
    "/opt/cairn/flower/bin/python -B -m cairn_approval.proof"
)
ACCOUNT = "/usr/local/libexec/cairn/account verify"
OWNERS = r"""cd /var/lib/cairn-account && stat --format='%a %U' . *.jsonl 2>/dev/null; true"""
#: What the folder and the files in it must be.
OWN = {"700 cairn-account", "600 cairn-account"}
#: Compares what the bucket for results has with what was put, the last run byte for byte.
KEPT = "/usr/local/libexec/cairn/hub-apps kept"
#: Hands in a line that only root may, as an account with no rights.
FORGE = (
    "setpriv --reuid=65534 --regid=65534 --clear-groups python3 -c 'import socket; "
    'link = socket.socket(socket.AF_UNIX); link.connect("/run/cairn-account.sock"); '
    'print("connected")\' 2>&1 | tail -n 1'
)


@check(
    id="APP-01",
    title="Only apps that the site approved are run",
    severity=Severity.CRITICAL,
    supports=("EHDS 73(1)(a)", "GDPR 25(1) 32(1)(b)", "EUCAIM-HB 7.4", "ISO A.8.19"),
    remediation="Run `cairn up NAME`; look who changed the list with `cairn runs NAME`.",
    limit_s=45,
)
def only_approved_apps_run(host: EvidenceHost) -> Findings:
    """Whoever reaches the hub's orders can send code to every hospital; this is what stops it.

    An app of which nobody has heard is asked for, as the user that runs tasks.
    """
    yield from _proven(host, ("list", "program", "stranger"))


@check(
    id="HST-25",
    title="Replies other than sound records are stopped at the node",
    severity=Severity.HIGH,
    supports=("EHDS 73(2)", "GDPR 32(1)(d)", "ISO A.8.12"),
    remediation="Run `cairn up NAME`.",
    limit_s=45,
)
def output_gate_blocks(host: EvidenceHost) -> Findings:
    """Weights are numbers; NaN, another shape, or bytes are a fault or a way out for images.

    Replies of each kind are put before the gate, and a sound one too.
    """
    yield from _proven(host, ("gate",))


@check(
    id="HST-26",
    title="An app sees the data of its approval and has no network",
    severity=Severity.CRITICAL,
    supports=("EHDS 73(1)(d) 73(1)(e)", "GDPR 25(1) 32(1)(b)", "ISO A.8.3"),
    remediation="Run `cairn up NAME`; `journalctl -u cairn-fl-agent` says why no cell can be made.",
    limit_s=45,
)
def permit_isolation_holds(host: EvidenceHost) -> Findings:
    """A permit is for one data set; what an app cannot see or send, it cannot take.

    A cell is made as for an app, and network, other files and writing are tried from within.
    """
    yield from _proven(host, ("network", "files", "writing"))


@check(
    id="APP-02",
    title="The account of runs is whole, and nobody else writes it",
    severity=Severity.HIGH,
    supports=("EHDS 73(1)(e)", "GDPR 5(1)(f)", "ISO A.8.15", "NIS2 21(2)(i)"),
    remediation="Keep the host as it is, compare with the last digest that was noted.",
)
def account_is_whole(host: EvidenceHost) -> Findings:
    """What was computed on data must be told a year later, by lines that nobody could change.

    Each line is held against the one before, and an account without rights tries to hand one in.
    """
    if not any(role.name == "account" for role in host.plan.roles):
        yield NOT_APPLICABLE, "nothing on this host is accounted for"
        return
    told = host.ask(whole=ACCOUNT, owners=OWNERS, forged=FORGE)
    whole, owners, forged = told["whole"], told["owners"], told["forged"]
    if not whole.text.strip():
        raise VerifyFailed("the account says nothing of itself")
    sound = whole.status == 0 and '"last"' in whole.text
    yield sound, At(host, "account verify"), whole.text.strip()[:200]
    wrong = [line for line in owners.lines if line not in OWN]
    yield not wrong, At(host, "/var/lib/cairn-account"), "; ".join(wrong) or "its own user's alone"
    yield (
        "Permission denied" in forged.text,
        At(host, "/run/cairn-account.sock"),
        f"an account without rights: {forged.text.strip()[:120]}",
    )


@check(
    id="HUB-12",
    title="Results of runs lie whole in the bucket of the hub",
    severity=Severity.HIGH,
    supports=("GDPR 5(1)(f)",),
    remediation="Look at `systemctl status cairn-s3`; results that wait are put by the next run.",
    applies=("hub",),
    limit_s=60,
)
def results_are_kept(host: EvidenceHost) -> Findings:
    """A model that nobody can show any more, or that was changed, is no result.

    Each object is compared in size, those of the last run byte for byte; nothing may wait.
    """
    wanted = [one for one in host.plan.roles if one.name == "hub_apps"]
    if not any(one.settings["storage"] for one in wanted):
        yield NOT_APPLICABLE, "no results are put into a bucket on this host"
        return
    reply = host.run(KEPT)
    try:
        runs = json.loads(reply.text)["runs"]
        told = [(str(one["run"]), one["sound"] is True, str(one["why"])) for one in runs]
    except (ValueError, TypeError, KeyError):
        raise VerifyFailed(f"the results cannot be asked for: {reply.last}") from None
    if not told:
        yield NOT_APPLICABLE, "no run has ended on this hub yet"
    for run, sound, why in told:
        yield sound, At(host, f"run {run}"), why or "in the bucket, as it was put"


def _proven(host: EvidenceHost, words: tuple[str, ...]) -> Iterator[Any]:
    """Yield the verdicts of some trials."""
    if not any(role.name == "approval" for role in host.plan.roles):
        yield NOT_APPLICABLE, "no app runs on this host"
        return
    reply = host.run(PROOF)
    try:
        told = {word: (bool(one[0]), str(one[1])) for word, one in json.loads(reply.text).items()}
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        raise VerifyFailed(f"nothing can be tried: {reply.last}") from None
    for word in words:
        if word not in told:
            raise VerifyFailed(f"`{word}` was not tried: {next(iter(told.values()), ('', ''))[1]}")
        holds, sentence = told[word]
        yield holds, At(host, word), sentence
