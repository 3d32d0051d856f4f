"""How services of a live host are shut in, and who may read the secrets on it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from cairn.checks.lateness import later, there
from cairn.checks.registry import check
from cairn.checks.verdicts import NOT_APPLICABLE, At, Severity

if TYPE_CHECKING:
    from cairn.checks.host import EvidenceHost
    from cairn.checks.parameters import Parameters
    from cairn.checks.verdicts import Findings

_EXPOSURE = re.compile(r"Overall exposure level for (\S+): (\d+)\.(\d)")


@check(
    id="SVC-02",
    title="Every service that handles images or data is shut in by systemd",
    severity=Severity.HIGH,
    supports=("ANSSI R63", "ISO A.8.9", "BSI SYS.1.3.A17"),
    remediation="Read `systemd-analyze security UNIT`; remove drop-ins, then `cairn up NAME`.",
    limit_s=45,
)
def services_are_confined(host: EvidenceHost, limits: Parameters) -> Findings:
    """A service that is broken into can then do little more than what it is there for."""
    units = [service.unit for service in host.plan.services if service.confined]
    if not units:
        yield NOT_APPLICABLE, "the plan names no service that is to be shut in"
        return
    # An exposure is told of a unit that systemd knows; what it does not know is missing below.
    line = "; ".join(f"systemd-analyze security --no-pager {shlex.quote(unit)}" for unit in units)
    reply = host.run(f"({line}) | grep 'Overall exposure level'")
    told = dict(_exposure(match) for match in _EXPOSURE.finditer(reply.text))
    most = limits.number("unit_exposure_tenths")
    for unit in units:
        exposure = told.get(unit)
        said = "is not told" if exposure is None else f"is {exposure / 10:.1f}"
        yield (
            exposure is not None and exposure <= most,
            At(host, unit),
            f"its exposure {said}, allowed {most / 10:.1f}",
        )


def _exposure(match: re.Match[str]) -> tuple[str, int]:
    return match[1], int(match[2]) * 10 + int(match[3])


@check(
    id="SEC-01",
    title="Every secret on the host is there for one account only",
    severity=Severity.CRITICAL,
    supports=("GDPR 32(1)(b)", "ISO A.8.3 A.5.17", "ANSSI R50"),
    remediation="Run `cairn up NAME`; if others could read it, have a new secret made.",
)
def secrets_have_one_reader(host: EvidenceHost) -> Findings:
    """Keys and credentials are made on the host; who else can read them can be their owner."""
    secrets = host.plan.secrets
    if not secrets:
        yield NOT_APPLICABLE, "the plan names no secret of this host"
        return
    paths = " ".join(shlex.quote(secret.path) for secret in secrets)
    look = f"stat --printf '%04a %U %F %s\\t%n\\n' -- {paths}"
    told = host.ask(answer=look, **later(secrets))
    lines = (line.partition("\t") for line in told["answer"].lines)
    seen = {path: state for state, _, path in lines}
    came = there(told)
    for secret in secrets:
        if secret.path not in seen and secret.after and secret.after not in came:
            yield NOT_APPLICABLE, f"{secret.path} is made with {secret.after}"
            continue
        state = seen.get(secret.path, "it is not there")
        wanted = f"{secret.mode} {secret.owner} regular file "
        whole = state.startswith(wanted) and state != f"{wanted}0"
        yield whole, At(host, secret.path), state if whole else f"{state}, planned {wanted.strip()}"
