"""How a live host lets people in."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from cairn.checks.registry import check
from cairn.checks.verdicts import At, Severity

if TYPE_CHECKING:
    from cairn.checks.host import EvidenceHost, Reply
    from cairn.checks.parameters import Parameters
    from cairn.checks.verdicts import Findings

#: `Match` blocks change what sshd does, so it is asked for root and for each login.
ASK = "sshd -T -C user={user},host=localhost,addr=127.0.0.1"
#: A login that offers nothing: sshd answers with the ways that it would take.
TRY = (
    "ssh -F /dev/null -p {port} -o BatchMode=yes -o ConnectTimeout=5 "
    "-o PreferredAuthentications=none -o StrictHostKeyChecking=no "
    "-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR {user}@localhost true"
)


def _settings(reply: Reply) -> dict[str, str]:
    return {name: value for name, _, value in (line.strip().partition(" ") for line in reply.lines)}


@check(
    id="HST-01",
    title="SSH takes keys only, and nobody logs in as root",
    severity=Severity.HIGH,
    supports=(
        "CIS-D12 5.1.8 5.1.16 5.1.19 5.1.20",
        "CIS-D13 5.1.8 5.1.17 5.1.20 5.1.21",
        "ANSSI R67",
        "BSI SYS.1.3.A8",
        "ISO A.8.5",
        "NIS2 21(2)(i)",
    ),
    remediation="Run `cairn up NAME`, or remove the file in sshd_config.d that overrules it.",
)
def ssh_takes_keys_only(host: EvidenceHost, limits: Parameters) -> Findings:
    """A password can be guessed from outside; a key cannot.

    Hospital networks are flat enough that one guessed password on a gateway reaches the imaging
    host, so this holds inside the perimeter too. What sshd would do is asked for root and for
    each login, and a login without a key is tried.
    """
    users = ["root", *(account.name for account in host.plan.accounts if account.login)]
    port = next((one.port for one in host.plan.listeners if one.process == "sshd"), 22)
    replies = host.ask(
        **{f"as_{number}": ASK.format(user=user) for number, user in enumerate(users)},
        tried=TRY.format(port=port, user=shlex.quote(users[-1])),
    )
    wanted = limits.table("sshd_wanted")
    for number, user in enumerate(users):
        settings = _settings(replies[f"as_{number}"])
        seen = {name: settings.get(name, "nothing") for name in sorted(wanted)}
        wrong = [f"{name} {value}" for name, value in seen.items() if value not in wanted[name]]
        told = ", ".join(wrong or [f"{name} {value}" for name, value in seen.items()])
        yield not wrong, At(host, f"sshd -T for {user}"), f"sshd reports {told}"
    told = replies["tried"].last
    yield told.endswith("(publickey)."), At(host, "login without a key"), f"sshd answers: {told}"


@check(
    id="HST-02",
    title="SSH offers current cryptography only, one key exchange of it quantum-safe",
    severity=Severity.MEDIUM,
    supports=(
        "CIS-D12 5.1.6 5.1.12 5.1.15",
        "CIS-D13 5.1.6 5.1.12 5.1.13 5.1.16",
        "ISO A.8.24",
    ),
    remediation="Run `cairn up NAME`, or remove the file in sshd_config.d that adds to it.",
)
def ssh_cryptography_is_current(host: EvidenceHost, limits: Parameters) -> Findings:
    """What is recorded today can be read in ten years, and images of patients age slowly."""
    settings = _settings(host.run(ASK.format(user="root")))
    lists = {
        "ciphers": limits.words("sshd_ciphers"),
        "macs": limits.words("sshd_macs"),
        "kexalgorithms": limits.words("sshd_key_exchanges"),
    }
    for name, allowed in lists.items():
        offered = set(settings.get(name, "none told").split(","))
        old = sorted(offered - allowed)
        told = f"not current: {', '.join(old)}" if old else f"{len(offered)} offered, all current"
        yield not old, At(host, f"sshd -T: {name}"), told
    offered = set(settings.get("kexalgorithms", "").split(","))
    safe = sorted(offered & limits.words("sshd_key_exchanges_quantum"))
    told = f"quantum-safe: {', '.join(safe) or 'none'}"
    yield bool(safe), At(host, "sshd -T: kexalgorithms, quantum-safe"), told
