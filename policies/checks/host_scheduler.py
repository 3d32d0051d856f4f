"""The batch scheduler of a live host: who may hand in work, and what it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.verdicts import NOT_APPLICABLE, At, Severity
from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from cairn.checks.host import EvidenceHost, Reply
    from cairn.checks.verdicts import Findings, Verdict

#: A job that says by its own end that it ran, and as whom; it is taken back if it gets no turn.
JOB = (
    "--partition=cairn --job-name=proof --ntasks=1 --mem=16M --time=1 --chdir=/ "
    "--output=/dev/null --error=/dev/null --export=NIL"
)
WRAPPED = """--wrap='[ "$(/usr/bin/id -un)" = cairn-fl-agent ] && exit 7'"""
TAKEN_BACK = "scancel --quiet --name=proof --partition=cairn"
ENDED = 7
#: `runuser` is the system's own way to be somebody else without a login (runuser(1)).
AS_AGENT = "cd / && timeout 30 runuser --user cairn-fl-agent --"
AS_NOBODY = "cd / && timeout 30 runuser --user nobody --"
#: What is said of a job whose turn comes once others have ended (squeue(1)).
WAITS = {"PENDING Resources", "PENDING Priority"}


@check(
    id="SCH-01",
    title="The scheduler runs the agent's jobs, and nobody else's",
    severity=Severity.HIGH,
    supports=("EHDS 73(1)(d)", "ISO A.8.3"),
    remediation="Run `cairn up NAME`; `sinfo --list-reasons` says why a host takes no jobs.",
    limit_s=60,
)
def only_the_agent_hands_work_in(host: EvidenceHost) -> Findings:
    """Who can hand in jobs computes where the data are, and can keep the agent from its turn.

    A job is handed in as the agent, one as an account that nobody let in, and one that asks for
    twice the memory that there is.
    """
    wanted = next((role.variables for role in host.plan.roles if role.name == "scheduler"), None)
    if wanted is None:
        yield NOT_APPLICABLE, "no scheduler hands out work on this host"
        return
    double = 2 * wanted["scheduler_mib"]
    told = host.ask(
        job=f"{AS_AGENT} sbatch --wait {JOB} {WRAPPED} 2>&1",
        queue=f"squeue --noheader --name=proof --format='%T %r'; {TAKEN_BACK}",
        stranger=f"{AS_NOBODY} sbatch {JOB} --wrap=true 2>&1; {TAKEN_BACK}",
        double=f"{AS_AGENT} sbatch {JOB} --mem={double}M --wrap=true 2>&1; {TAKEN_BACK}",
    )
    yield _ran(host, told["job"], told["queue"])
    for word, reason, whom in (
        ("stranger", "group not permitted", "as nobody"),
        ("double", "not available", f"{double} MiB"),
    ):
        reply = told[word]
        if not reply.text.strip():
            raise VerifyFailed("sbatch says nothing of a job that was handed in")
        yield reason in reply.text, At(host, whom), reply.last


def _ran(host: EvidenceHost, job: Reply, queue: Reply) -> tuple[bool | Verdict, At, str]:
    at = At(host, "as cairn-fl-agent")
    if WAITS.intersection(queue.lines):
        return NOT_APPLICABLE, at, "the host works on other jobs, and the job waits for its turn"
    return job.status == ENDED, at, f"the job ended with {job.status}, planned {ENDED}: {job.last}"
