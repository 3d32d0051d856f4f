"""Each host check passes on what a sound host answered, fails on a tampered one, never guesses."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from cairn.checks import engine, registry
from cairn.checks.live import Unreachable
from cairn.checks.registry import Catalogue, Moment
from cairn.checks.verdicts import Judgement, Verdict
from cairn.plan.model import Plan
from policies.answering import PLANNED, RECORDED, Answering, Result, host, recorded
from policies.specimens import document

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.checks.host import Shell

TODAY = date(2026, 11, 22)
CATALOGUE = registry.catalogue()
IDS = [one.id for one in CATALOGUE.of(Moment.HOST)]

ISSUE = "0644 root root regular file\t/etc/issue"
OUTPUT = "hook output priority filter; policy "
ON = "LoadState=loaded\nActiveState=active"
OFF = "LoadState=loaded\nActiveState=inactive"
TIMER = f"Id=apt-daily.timer\n{ON}\nUnitFileState="

#: Check, question, text of the sound answer, and what a tampered host answers instead.
#: An empty text stands for the whole answer.
TAMPERED: list[tuple[str, str, str, str]] = [
    ("AGT-01", "answer", "yes\ttasks", "no\ttasks"),
    ("AGT-01", "answer", "yes\thub", "no\thub"),
    ("AGT-02", "answer", "cairn-fl-agent cairn-fl-agent", "cairn-fl-agent cairn-fl-node"),
    ("AGT-02", "answer", "cairn-fl-node cairn-fl-node 2\n", ""),
    ("AGT-03", "answer", "cairn-fl-agent cairn-fl-agent 2", "cairn-fl-agent cairn-fl-agent 1"),
    ("AGT-04", "answer", '"/v1/control/list-nodes", 403', '"/v1/control/list-nodes", 200'),
    ("AGT-04", "answer", '"/docs", 403', '"/docs", 200'),
    ("APP-01", "answer", '"list": [true', '"list": [false'),
    ("APP-01", "answer", '"program": [true', '"program": [false'),
    ("APP-01", "answer", '"stranger": [true', '"stranger": [false'),
    ("APP-02", "whole", "", "2026-11.jsonl:2: does not follow from the line before it\n"),
    ("APP-02", "owners", "600 cairn-account", "660 cairn-account"),
    ("APP-02", "owners", "600 cairn-account", "600 cairn-fl-agent"),
    ("APP-02", "forged", "", "connected\n"),
    ("HUB-12", "answer", '"sound": true', '"sound": false'),
    ("HUB-12", "answer", '"sound": true, "why": ""', '"sound": false, "why": "they wait"'),
    ("HST-25", "answer", '"gate": [true', '"gate": [false'),
    ("HST-26", "answer", '"network": [true', '"network": [false'),
    ("HST-26", "answer", '"files": [true', '"files": [false'),
    ("HST-26", "answer", '"writing": [true', '"writing": [false'),
    ("FLW-02", "try_0", "No route to host", "connected"),
    ("FLW-02", "after", '"packets": 13', '"packets": 12'),
    ("HST-24", "answer", '"/v1/fleet/pull-messages": 401', '"/v1/fleet/pull-messages": 200'),
    ("HST-24", "answer", '"/v1/runtime/acquire-task": 401', '"/v1/runtime/acquire-task": 200'),
    ("HST-24", "answer", '"bare": 400', '"bare": 405'),
    ("HST-24", "answer", '"foreign": 400', '"foreign": 405'),
    ("FIL-01", "seen", ISSUE, "0666 root root regular file\t/etc/issue"),
    ("FIL-01", "seen", ISSUE, "0644 ana root regular file\t/etc/issue"),
    ("FIL-01", "seen", ISSUE, "0644 root root symbolic link\t/etc/issue"),
    ("FIL-01", "seen", f"{ISSUE}\n", "stat: cannot statx '/etc/issue'\n"),
    ("FIL-01", "hashes", "", f"{64 * '0'}  /etc/issue\n{64 * '0'}  /etc/cairn/nftables.conf\n"),
    ("FIL-01", "hashes", "", "sha256sum: /etc/issue: Permission denied\n"),
    ("FLW-01", "answer", 'tcp", "connected', 'tcp", "No route to host'),
    ("FLW-01", "answer", 'udp", "connected', 'udp", "timed out'),
    ("FLW-01", "answer", "", "[]"),
    ("DAT-01", "answer", '"missing": 0', '"missing": 2'),
    ("DAT-01", "answer", '"changed": 0', '"changed": 1'),
    ("DAT-01", "answer", '"unlisted": 0', '"unlisted": 1'),
    ("DAT-01", "answer", '"broken_chain": []', '"broken_chain": [2]'),
    ("DAT-01", "answer", '"lung-ct"', '"breast-mr"'),
    ("DAT-01", "answer", '"versions": 2,', '"message": "there is no bucket", "versions": 2,'),
    ("FED-11", "answer", '"bare": [400', '"bare": [200'),
    ("FED-11", "answer", '"foreign": [400', '"foreign": [403'),
    ("FED-11", "answer", '"foreign": [400, false', '"foreign": [400, true'),
    ("FED-11", "answer", '"own": [403, true', '"own": [400, false'),
    ("FED-11", "answer", '"own": [403, true', '"own": [200, false'),
    ("FED-11", "lists", "2", "1"),
    ("FED-11", "lists", "", "grep: cannot open revoked.pem: error\n"),
    ("FED-10", "chain", "", "error 18 at 0 depth lookup: self-signed certificate\n"),
    ("FED-10", "left", "will not expire", "will expire"),
    ("FED-10", "fits", "fits", ""),
    ("FED-10", "timer", "active", "inactive"),
    ("HUB-10", "bare", "HTTP/1.1 400", "HTTP/1.1 200"),
    ("HUB-10", "foreign", "HTTP/1.1 400", "HTTP/1.1 403"),
    ("HUB-10", "offers", "tls1_3", "tls1_1\ntls1_3"),
    ("HUB-10", "bare", "HTTP/1.1 400 Bad Request", ""),
    ("HUB-11", "lists", "2", "1"),
    ("HUB-11", "ends", "20", "19"),
    ("HUB-11", "root", "", "error: cannot open /etc/cairn/hub/root.crl\n"),
    ("HUB-11", "timer", "active", "failed"),
    ("GPU-01", "cards", "", "NVIDIA-SMI has failed: cannot talk to the driver\n"),
    ("GPU-01", "devices", "nvidia.com/gpu=1\n", ""),
    ("GPU-01", "file", "path: /dev/nvidia1", "path: /dev/nvidia7"),
    ("GPU-02", "agent", "", "Failed to initialize NVML: error, Insufficient Permissions\n"),
    ("GPU-02", "nobody", "", "GPU 0: NVIDIA A30 (UUID: GPU-6f1d3c52)\n"),
    ("GPU-02", "files", "/dev/nvidiactl root cairn-gpu 660", "/dev/nvidiactl root root 666"),
    ("GPU-02", "files", "", "stat: cannot stat '/dev/nvidiactl': No such file or directory\n"),
    ("GPU-02", "members", "cairn-fl-agent", "cairn-fl-agent,amarin"),
    ("HST-19", "answer", "550.163.01, 24564\n550", "550.163.01, 24564\n535"),
    ("HST-19", "answer", "24564", "12288"),
    ("HST-19", "answer", "", "nvidia-smi: error: cannot find the command\n"),
    ("HST-01", "as_0", "permitrootlogin no", "permitrootlogin without-password"),
    ("HST-01", "as_2", "passwordauthentication no", "passwordauthentication yes"),
    ("HST-01", "as_1", "maxauthtries 4", "maxauthtries 6"),
    ("HST-01", "as_1", "disableforwarding yes", "disableforwarding no"),
    ("HST-01", "as_1", "", "sshd: no hostkeys available -- exiting."),
    ("HST-01", "tried", "(publickey).", "(publickey,password)."),
    ("HST-01", "tried", "", ""),
    ("HST-02", "answer", "aes256-ctr", "aes256-ctr,aes256-cbc"),
    ("HST-02", "answer", "hmac-sha2-256-etm@openssh.com", "hmac-sha1"),
    ("HST-02", "answer", "mlkem768x25519-sha256,sntrup761x25519-sha512@openssh.com,", ""),
    ("HST-02", "answer", "", "sshd: bad configuration"),
    ("HST-03", "loaded", "tcp dport 22 accept", "tcp dport { 22, 8080 } accept"),
    ("HST-03", "loaded", f"{OUTPUT}drop;", f"{OUTPUT}accept;"),
    ("HST-03", "loaded", "", "table inet cairn {\n}\n"),
    ("HST-04", "answer", "0.0.0.0:22 ", "0.0.0.0:2222 "),
    ("HST-04", "answer", "sshd", "dropbear"),
    ("HST-04", "answer", "", 'tcp LISTEN 0 5 127.0.0.1:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))'),
    ("HST-04", "answer", "", 'udp UNCONN 0 0 0.0.0.0:161 0.0.0.0:* users:(("snmpd",pid=1,fd=3))'),
    ("HST-05", "tried", '38121, "tcp", "No route to host"', '38121, "tcp", "connected"'),
    ("HST-05", "refused", '"packets": 15', '"packets": 12'),
    ("HST-08", "answer", '"status": "enforce"', '"status": "complain"'),
    ("HST-08", "answer", "", '{"profiles": {}, "processes": {}}'),
    ("HST-08", "answer", "", "AppArmor not enabled."),
    ("HST-09", "answer", "kernel.kptr_restrict = 2", "kernel.kptr_restrict = 0"),
    ("HST-09", "answer", "ip_forward = 0", "ip_forward = 1"),
    ("HST-09", "answer", "kernel.dmesg_restrict = 1\n", ""),
    ("HST-06", "volume_0", "crypt\n", "lvm\n"),
    ("HST-06", "volume_0", "", "lsblk: error: not a block device\n"),
    ("HST-06", "swaps", "crypt part", "part"),
    ("HST-06", "swaps", "no more\n", ""),
    ("HST-10", "status", "enabled 2", "enabled 1"),
    ("HST-10", "state", "active\n", "inactive\n"),
    ("HST-10", "rules", "-w /etc/passwd -p wa -k identity\n", ""),
    ("HST-10", "rules", "", "No rules\n"),
    ("HST-13", "tracking", "0.000012345", "3.2"),
    ("HST-13", "tracking", "Normal", "Not synchronised"),
    ("HST-13", "tracking", "", "506 Cannot talk to daemon\n"),
    ("HST-13", "sources", "6,377,22", "6,0,22"),
    ("HST-13", "others", "inactive\n", "active\n"),
    ("HST-14", "timers", "active\nactive", "active\ninactive"),
    ("HST-14", "settings", 'Unattended-Upgrade "1"', 'Unattended-Upgrade "0"'),
    ("HST-14", "settings", 'Update-Package-Lists "1"', 'Update-Package-Lists ""'),
    ("HST-14", "settings", "label=Debian-Security", "label=Debian"),
    ("HST-14", "settings", 'AllowInsecureRepositories "0"', 'AllowInsecureRepositories "1"'),
    ("HST-14", "trusted", "", "/etc/apt/sources.list:deb [trusted=yes] http://x y main\n"),
    ("HST-14", "ages", "", "lists 1300000\nupgraded 60\n"),
    ("HST-14", "ages", "", "upgraded 60\n"),
    ("HST-14", "ages", "", "lists 60\nupgraded 60\nreboot 700000\n"),
    ("HST-16", "answer", "refused by TLS: TLSV13_ALERT_CERTIFICATE_REQUIRED", "ACCEPTED"),
    ("HST-16", "answer", '"without TLS": "cut off"', '"without TLS": "closed"'),
    ("HST-16", "answer", '"plain port": "closed"', '"plain port": "ACCEPTED"'),
    ("HST-17", "answer", '"left": 0', '"left": 2'),
    ("HST-17", "answer", '"planted": 321', '"planted": 3'),
    ("HST-17", "answer", '"left": 0', '"refused": "unreadable"'),
    ("HST-15", "accounts", "daemon 1 locked", "daemon 0 locked"),
    ("HST-15", "accounts", "games 5 locked", "games 5 empty"),
    ("HST-15", "accounts", "", "root 0 locked no /bin/bash\nmallory 1001 set no /bin/bash\n"),
    ("HST-15", "sudoers", "", "/etc/sudoers.d/zz:amarin ALL=(ALL) NOPASSWD: ALL\n"),
    ("HST-20", "sums", "compared", "??5??????   /usr/sbin/nft\ncompared"),
    ("HST-20", "sums", "compared", "missing     /usr/bin/ss\ncompared"),
    ("HST-20", "diverted", "listed", "local diversion of /bin/ss to /bin/ss.distrib\nlisted"),
    ("HST-20", "preloaded", "read", "/usr/lib/quiet.so\nread"),
    ("HST-21", "node", "will not expire", "will expire"),
    ("HST-21", "authority", "", "Could not open file or uri"),
    ("HST-21", "chain", "", "error 20 at 0 depth lookup: unable to get local issuer certificate"),
    ("LOG-03", "marked", "", ""),
    ("LOG-03", "settings", "Storage=persistent", "Storage=volatile"),
    ("LOG-03", "settings", "MaxRetentionSec=800day", "MaxRetentionSec=7day"),
    ("LOG-03", "used", "", "5000000000\t/var/log/journal\n"),
    ("LOG-03", "used", "", "du: cannot access '/var/log/journal': No such file or directory\n"),
    ("SEC-01", "answer", "0600 root", "0644 root"),
    ("SEC-01", "answer", "0400 cairn-fl-agent", "0400 cairn-s3"),
    ("SEC-01", "answer", "regular file 94", "regular file 0"),
    ("SEC-01", "answer", "regular file 94", "symbolic link 94"),
    ("SEC-01", "answer", "", "stat: cannot statx '/etc/cairn/storage/root.env'\n"),
    ("STO-04", "answer", '"write", "403 AccessDenied"', '"write", "200"'),
    ("STO-04", "answer", "403 SignatureDoesNotMatch", "200"),
    ("STO-04", "answer", '"no key", "lung-ct", "read", "403', '"no key", "lung-ct", "read", "200'),
    ("STO-04", "answer", '"lung-ct", "read", "200"', '"lung-ct", "read", "403 AccessDenied"'),
    ("STO-04", "answer", '"403 AccessDenied"]]', '"error TimeoutError: timed out"]]'),
    ("STO-05", "answer", '"TLSv1_1": "TLSV1_ALERT_PROTOCOL_VERSION"', '"TLSv1_1": "TLSv1.1"'),
    ("STO-05", "answer", '"TLSv1_3": "TLSv1.3"', '"TLSv1_3": "CERTIFICATE_VERIFY_FAILED"'),
    ("STO-06", "answer", "Connection refused", "open"),
    ("STO-06", "answer", '"127.0.0.1": "open"', '"127.0.0.1": "Connection refused"'),
    ("SVC-02", "answer", ": 1.1 OK", ": 3.1 MEDIUM"),
    ("SVC-02", "answer", "", "Unit cairn-s3.service not found.\n"),
    ("PAC-05", "good", "Verify return code: 0 (ok)", "Verify return code: 10 (expired)"),
    ("PAC-05", "good", "", "connect:errno=111"),
    ("PAC-05", "old", "alert protocol version", "alert handshake failure"),
    ("PAC-05", "old", "", "New, TLSv1.1, Cipher is ECDHE-RSA-AES128-SHA"),
    ("PAC-05", "bare", "HTTP/1.1 400", "HTTP/1.1 200"),
    ("PAC-05", "foreign", "HTTP/1.1 400", "HTTP/1.1 200"),
    ("PAC-05", "unlisted", "HTTP/1.1 403", "HTTP/1.1 200"),
    ("PAC-05", "explorer", "HTTP/1.1 404", "HTTP/1.1 200"),
    ("PAC-06", "answer", "loopback 401", "loopback 200"),
    ("PAC-06", "answer", "outside 401", "outside 200"),
    ("PAC-06", "answer", "index 200", "index 500"),
    ("SCH-01", "job", "", "sbatch: error: Batch job submission failed: Socket timed out\n"),
    ("SCH-01", "stranger", "", "Submitted batch job 4\n"),
    ("SCH-01", "double", "", "Submitted batch job 5\n"),
    ("SQL-01", "sockets", "Orthanc", "postgres"),
    ("SQL-01", "owner", "", "psql: error: connection failed"),
    ("SQL-01", "other", "", "1\n"),
    ("SQL-01", "posing", "", "1\n"),
    ("SQL-01", "checksums", "on", "off"),
    ("INT-01", "answer", "image 1794999990", "image 1794990000"),
    ("INT-02", "answer", "", "reason burned-in\nheld 1\n"),
    ("INT-02", "answer", "held 0", "held 1"),
    ("INT-03", "answer", '"missing.BodyPartExamined": 1', '"missing.BodyPartExamined": 100'),
    ("SVC-01", "answer", f"Id=ssh.service\n{ON}", f"Id=ssh.service\n{OFF}"),
    ("SVC-01", "answer", f"Id=cairn-firewall.service\n{ON}", f"Id=cairn-firewall.service\n{OFF}"),
    ("SVC-01", "answer", f"{TIMER}enabled", f"{TIMER}disabled"),
    ("SVC-01", "answer", "Id=ssh.service\nLoadState=loaded", "Id=ssh.service\nLoadState=not-found"),
    ("SVC-01", "answer", "ActiveState=inactive", "ActiveState=failed"),
    ("TRU-01", "anchor_0", "", "error stdin: verification failed\n"),
]  # fmt: skip


def judged(check: str, shell: Shell, folder: Path) -> Judgement:
    """Ask one host check of the host behind that shell."""
    kind = "hub" if check.startswith("HUB-") else "data-provider"
    papers = replace(document(folder, kind), anchors={"hospital": "-----BEGIN CERTIFICATE-----"})
    plan = Plan(papers.spec.name, kind, "staging", papers.digest, (PLANNED,))
    only = CATALOGUE.find(check)
    assert only is not None
    one = Catalogue((only,), CATALOGUE.parameters)
    return engine.judge_host(papers, plan, PLANNED, host(shell), today=TODAY, catalogue=one)


@pytest.mark.parametrize("check", IDS)
def test_what_a_sound_host_answered_passes(tmp_path: Path, check: str) -> None:
    judgement = judged(check, recorded(check), tmp_path)
    assert {found.verdict for found in judgement.findings} == {Verdict.PASS}, judgement.findings


def tampered(check: str, question: str, sound: str, wrong: str) -> Answering:
    """Return the recorded host with one answer changed, in its last round."""
    shell = recorded(check)
    rounds = [one for one in shell.rounds if question in one]
    assert rounds, f"{check} does not ask {question}"
    status, answer = rounds[-1][question]
    assert sound in answer, f"{check} was not answered with {sound}"
    changed = answer.replace(sound, wrong, 1) if sound else wrong
    rounds[-1][question] = [
        status if sound else int("cannot" in wrong or "error" in wrong),
        changed,
    ]
    return shell


@pytest.mark.parametrize(("check", "question", "sound", "wrong"), TAMPERED)
def test_what_a_tampered_host_answers_fails(
    tmp_path: Path, check: str, question: str, sound: str, wrong: str
) -> None:
    judgement = judged(check, tampered(check, question, sound, wrong), tmp_path)
    assert Verdict.FAIL in {found.verdict for found in judgement.findings}, judgement.findings


def test_every_host_check_has_a_record_and_something_that_spoils_it() -> None:
    assert set(RECORDED) == set(IDS) == {check for check, *_ in TAMPERED}


@pytest.mark.parametrize("check", IDS)
def test_a_host_that_cannot_be_reached_is_not_evaluated(tmp_path: Path, check: str) -> None:
    judgement = judged(check, Unreachable("imaging-1 cannot be reached: timed out"), tmp_path)
    (found,) = judgement.findings
    assert found.verdict is Verdict.NOT_EVALUATED
    assert "cannot be reached" in found.message


class Dying:
    """A host that breaks off in the middle of its first answer."""

    def run(self, command: str) -> Result:
        """Break off."""
        mark = command.split("printf '\\n")[1].split(":%d", maxsplit=1)[0].rpartition(":")[0]
        return Result(0, f"half an answer {mark}")


@pytest.mark.parametrize("check", IDS)
def test_a_host_that_breaks_off_is_not_evaluated(tmp_path: Path, check: str) -> None:
    (found,) = judged(check, Dying(), tmp_path).findings
    assert found.verdict is Verdict.NOT_EVALUATED
    assert "broke off" in found.message


@pytest.mark.parametrize(
    "answer", ["", "lorem ipsum dolor\n", "0\n", "{}", "[[1]]", "a=b\n\nc=d\n"]
)
@pytest.mark.parametrize("check", IDS)
def test_a_host_that_answers_nonsense_never_passes(tmp_path: Path, check: str, answer: str) -> None:
    rounds = [{name: [0, answer] for name in one} for one in RECORDED[check]]
    assert judged(check, Answering(rounds), tmp_path).blocking


def test_a_host_that_gives_no_root_is_not_evaluated(tmp_path: Path) -> None:
    class Refusing:
        def run(self, command: str) -> Result:  # noqa: ARG002 - whatever is asked
            return Result(1, "", "sudo: a password is required\n")

    (found,) = judged("HST-04", Refusing(), tmp_path).findings
    assert "runs no commands as root: sudo: a password is required" in found.message


def test_the_raw_answer_of_each_question_is_kept(tmp_path: Path) -> None:
    (found,) = judged("HST-04", recorded("HST-04"), tmp_path).findings
    (kept,) = found.evidence
    assert (kept.command, kept.host, kept.status) == ("ss -H -lntup", "imaging-1", 0)
    assert "sshd" in kept.answer


def test_a_long_answer_is_cut_and_its_digest_is_of_the_whole(tmp_path: Path) -> None:
    long = {"answer": [0, "x" * 100_000]}
    (found,) = judged("HST-09", Answering([long]), tmp_path).findings[:1]
    other = {"answer": [0, "x" * 100_001]}
    (second,) = judged("HST-09", Answering([other]), tmp_path).findings[:1]
    assert len(found.evidence[0].answer) == 16_384
    assert found.evidence[0].sha256 != second.evidence[0].sha256


def test_a_password_hash_does_not_reach_the_evidence(tmp_path: Path) -> None:
    leak: dict[str, list[Any]] = {
        "accounts": [0, "root 0 $y$j9T$abcdefgh$0123456789abcdefghij no /bin/bash\n"],
        "sudoers": [0, ""],
    }
    judgement = judged("HST-15", Answering([leak]), tmp_path)
    assert "0123456789abcdefghij" not in json.dumps(
        [str(one.evidence) for one in judgement.findings]
    )


@pytest.mark.parametrize("check", IDS)
def test_a_check_needs_at_most_two_round_trips(tmp_path: Path, check: str) -> None:
    shell = recorded(check)
    judged(check, shell, tmp_path)
    assert 1 <= len(shell.scripts) <= 2


def test_audit_rules_that_lock_at_the_next_restart_are_for_a_person(tmp_path: Path) -> None:
    shell = tampered("HST-10", "status", "enabled 2", "enabled 1")
    shell.rounds[0]["due"] = [0, "auditd\n"]
    judgement = judged("HST-10", shell, tmp_path)
    assert judgement.blocking == ()
    assert Verdict.MANUAL in {found.verdict for found in judgement.findings}
