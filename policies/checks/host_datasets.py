"""The frozen data sets of a live host: whole, and nothing beside them."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from cairn.checks.registry import check
from cairn.checks.verdicts import NOT_APPLICABLE, At, Severity
from cairn.errors import VerifyFailed

if TYPE_CHECKING:
    from cairn.checks.host import EvidenceHost, Reply
    from cairn.checks.verdicts import Findings
    from cairn.spec.document import Document

#: Hands in a job that names no subject, waits for its answer, and takes it away again.
GLANCE = r"""job=$(printf %s JOB | /usr/local/libexec/cairn/freeze-job submit) || exit
tries=0
until told=$(/usr/local/libexec/cairn/freeze-job look "$job" | sed -n 3p); [ -n "$told" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 150 ] || { echo 'error: no answer in 30 seconds'; exit 1; }
    sleep 0.2
done
/usr/local/libexec/cairn/freeze-job forget "$job"
echo "$told"
"""
WRONG = ("missing", "changed", "unlisted")


@check(
    id="DAT-01",
    title="Every frozen data set is whole, and nothing lies beside it",
    severity=Severity.HIGH,
    supports=("EHDS 73(1)(b)", "GDPR 5(1)(f) 32(1)(b)", "ISO A.8.3 A.8.13"),
    remediation="Run `cairn dataset verify NAME`; freeze the data set anew if objects are lost.",
    applies=("T2", "T3"),
    limit_s=45,
)
def datasets_are_whole(host: EvidenceHost, document: Document) -> Findings:
    """A result rests on a data set only if it still is what the permit was given for.

    Names and sizes of all objects are compared with the manifests of all versions, and each
    manifest with the one before it. `cairn dataset verify` also reads every byte.
    """
    wanted = [role for role in host.plan.roles if role.name == "freeze"]
    if not any(role.variables["freeze_wanted"] for role in wanted):
        yield NOT_APPLICABLE, "no data sets are frozen on this host"
        return
    names = [one.name for one in getattr(document.spec, "datasets", ())]
    job = shlex.quote(json.dumps({"verb": "glance", "datasets": names}))
    told = {one["dataset"]: one for one in _answered(host.run(GLANCE.replace("JOB", job)))}
    if not names:
        yield NOT_APPLICABLE, "the spec declares no data set"
    for name in names:
        at = At(host, f"data set {name}")
        found = told.get(name, {"message": "the host says nothing of it"})
        if "message" in found:
            yield False, at, str(found["message"])
            continue
        counts = ", ".join(f"{found[word]} {word}" for word in WRONG)
        sound = not any(found[word] for word in WRONG) and not found["broken_chain"]
        broken = ", manifests do not follow from one another" if found["broken_chain"] else ""
        size = f"{found['versions']} versions, {found['objects']} objects"
        yield sound, at, f"{size}: {counts}{broken}"


def _answered(reply: Reply) -> list[dict[str, Any]]:
    try:
        answer = json.loads(reply.text)
        found: list[dict[str, Any]] = answer["result"]["datasets"]
        wanted = {"dataset", *WRONG, "broken_chain", "versions", "objects"}
        if all("message" in one or wanted <= set(one) for one in found):
            return found
    except (ValueError, KeyError, TypeError):
        pass
    raise VerifyFailed(f"the data sets cannot be asked: {reply.last}")
