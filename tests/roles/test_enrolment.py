"""A node enrols with a hub over the network, renews, rotates, is revoked and comes back."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cryptography import x509

from cairn import house, sandbox
from cairn.federation import root
from cairn.plan.roles import enrolment, hub_ca, hub_gate, hub_registry
from cairn.spec.federation import FederationFile
from cairn.spec.invitation import Invitation
from federation.authority import DOMAIN
from federation.test_root import PASSPHRASE
from federation.trial import put
from roles.harness import FEDERATION, ground

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

    from cairn.ansible.outcome import Outcome
    from cairn.federation.root import Root
    from cairn.plan.model import PlannedRole
    from roles.harness import Ground

HUB, NODE = "role-hub", "role-hospital"
ROLES = {
    "enrolment": enrolment,
    "hub_ca": hub_ca,
    "hub_gate": hub_gate,
    "hub_registry": hub_registry,
}
REGISTRY = "/usr/local/libexec/cairn/hub-registry"


@pytest.mark.parametrize("entry", ["main", "remove"])
@pytest.mark.parametrize("role", sorted(ROLES))
def test_the_argument_specs_say_the_same_as_the_defaults(role: str, entry: str) -> None:
    folder = house.root() / "roles" / role
    specs = yaml.safe_load((folder / "meta/argument_specs.yml").read_text())["argument_specs"]
    defaults = yaml.safe_load((folder / "defaults/main.yml").read_text())
    options = specs[entry]["options"]
    assert {name: option["default"] for name, option in options.items()} == defaults


@pytest.fixture(scope="module")
def above(tmp_path_factory: pytest.TempPathFactory) -> Root:
    return root.make(tmp_path_factory.mktemp("root") / "demo", "demo", PASSPHRASE)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, above: Root) -> Iterator[Ground]:
    """A hub whose authority was signed, with register and gate."""
    try:
        here = ground(HUB, "hub", "debian-13", tmp_path_factory.mktemp("hub"))
        here.ask("apt-get update --quiet=2")
        good(here.apply(hub_role(here, hub_ca, "")))
        certify(here, chain_of(here, above))
        yield here
    finally:
        sandbox.remove(HUB, "hub")


def chain_of(box: Ground, above: Root, *former: Root) -> str:
    """Have a root sign the hub; returns the chain with the roots that are trusted besides."""
    asked = x509.load_pem_x509_csr(box.ask("cat /etc/cairn/hub/intermediate.csr").encode())
    made = root.pem(root.sign_intermediate(above, asked, DOMAIN))
    return made.decode() + "".join(map(known, (above, *former)))


def known(one: Root) -> str:
    """Return a root as it stands in a chain: its certificate and its list."""
    return (root.pem(one.certificate) + root.empty_list(one)).decode()


def certify(box: Ground, chain: str) -> None:
    """Apply the roles of a hub with a chain."""
    for role in (hub_ca, hub_registry, hub_gate):
        good(box.apply(hub_role(box, role, chain)))
    box.ask(f"cat > /root/chain <<'END'\n{chain}END")


def hub_role(box: Ground, role: ModuleType, chain: str) -> PlannedRole:
    context = box.context(hub={"domain": DOMAIN})
    papers = replace(context.document, hub_authority={"chain": chain} if chain else {})
    planned: PlannedRole = role.plan(replace(context, document=papers))
    return planned


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    try:
        yield ground(NODE, "imaging", "debian-13", tmp_path_factory.mktemp("imaging"))
    finally:
        sandbox.remove(NODE, "imaging")


class Hospital:
    """A node as the tests act on it.

    Attributes:
        box: Its host.
        hub: The host of the hub.
        federation: What it knows of the federation.
    """

    def __init__(self, box: Ground, hub: Ground, above: Root) -> None:
        self.box, self.hub = box, hub
        self.trust(above)

    def trust(self, *roots: Root) -> None:
        """Pin a federation file that names these roots."""
        self.federation = FederationFile.model_validate(
            {
                "federation_version": 1,
                "name": "demo",
                "hub": HUB,
                "domain": DOMAIN,
                "endpoints": [
                    {"name": "fl", "host": DOMAIN, "port": 443, "why": "Tasks and updates"},
                    {"name": "ca", "host": f"ca.{DOMAIN}", "port": 443, "why": "Certificates"},
                ],
                "addresses": {
                    DOMAIN: self.hub.place.address,
                    f"ca.{DOMAIN}": self.hub.place.address,
                },
                "ca_certificates": [root.pem(one.certificate).decode() for one in roots],
            }
        )

    def planned(self, invitation: str = "") -> PlannedRole:
        context = self.box.context(kind="data-provider", federation=FEDERATION)
        found = Invitation(invitation, "2099-01-01T00:00:00Z") if invitation else None
        papers = replace(context.document, federation=self.federation, invitation=found)
        return enrolment.plan(replace(context, document=papers))

    def apply(self, told: dict[str, Any] | None = None, **how: object) -> Outcome:
        """Apply the role with an invitation, which lies beside the spec meanwhile."""
        file = house.root() / f"nodes/{NODE}.invitation.json"
        if told is None:
            return self.box.apply(self.planned(), **how)
        text = json.dumps(told)
        file.write_text(text)
        try:
            digest = self.box.ask(f"printf %s '{text}' | sha256sum").split()[0]
            return self.box.apply(self.planned(digest), **how)
        finally:
            file.unlink()

    def invited(self, node: str = NODE, hours: int = 1) -> dict[str, Any]:
        """Have the hub invite; what the host needs of an invitation is its token."""
        told: dict[str, Any] = json.loads(
            self.hub.ask(f"{REGISTRY} invite {node} 3 staging {hours}")
        )
        return {"token": told["token"]}

    def renew(self) -> None:
        """Renew as in five days, when more than half of seven is over."""
        later = "s/time.time()/(time.time() + 5 * 86400)/"
        self.box.ask(f"sed '{later}' /usr/local/libexec/cairn/node-identity >/root/later")
        self.box.ask("python3 /root/later keep")

    def register(self) -> dict[str, Any]:
        """Return what the register says of the node."""
        lines = [json.loads(line) for line in self.hub.ask(f"{REGISTRY} list").splitlines()]
        return next(one for one in lines if one["node"] == NODE)

    def gate(self, path: str = "/v1/hello", *, method: str = "POST", shown: str = "node") -> str:
        """Return the status with which the gate answers the host; 000 if TLS ends it."""
        folder = "/etc/cairn/federation"
        cert = f"--cert {folder}/{shown}.crt --key {folder}/{shown}.key" if shown else ""
        return self.box.ask(
            f"curl --silent --output /dev/null --write-out '%{{http_code}}' --max-time 10 {cert} "
            f"--cacert {folder}/ca.crt --request {method} --data '{{\"versions\": {{}}}}' "
            f"https://{DOMAIN}{path} || true"
        )


@pytest.fixture(scope="module")
def hospital(box: Ground, hub: Ground, above: Root) -> Hospital:
    box.ask("apt-get update --quiet=2")
    box.ask("apt-get -q -y install --no-install-recommends curl faketime nmap >/dev/null")
    return Hospital(box, hub, above)


@pytest.fixture(scope="module")
def enrolled(hospital: Hospital) -> Hospital:
    """A node that waited for an invitation, and then got one."""
    good(hospital.apply())
    assert hospital.box.ask("ls /etc/cairn/federation") == "ca.crt\nrenewed.d\nsettings.json"
    hook = "/etc/cairn/federation/renewed.d/test"
    hospital.box.ask(f"printf '#!/bin/sh\\necho $1 >>/root/told\\n' >{hook}; chmod 755 {hook}")
    told = hospital.invited()
    outcome = hospital.apply(told)
    assert "Enrol the node, or renew what is due" in changed(outcome)
    return hospital


def good(outcome: Outcome) -> None:
    assert outcome.failure is None, outcome.failure


def changed(outcome: Outcome) -> list[str]:
    assert outcome.failure is None, outcome.failure
    return [change.task for change in outcome.changes]


@pytest.mark.sandbox
def test_an_invitation_makes_a_member_with_keys_of_its_own(enrolled: Hospital) -> None:
    box, told = enrolled.box, enrolled.register()
    assert told["status"] == "enrolled"
    assert box.ask("cut -d' ' -f1,2 /etc/cairn/federation/agent.pub") == told["agent_key"]
    assert box.ask("stat --format='%a %U %G' /etc/cairn/federation/*.key").splitlines() == [
        "640 root cairn-federation",
        "600 root root",
    ]
    verify = "openssl verify -x509_strict -CAfile ca.crt -untrusted node.crt node.crt"
    assert box.ask(f"cd /etc/cairn/federation && {verify}") == "node.crt: OK"
    assert box.ask("cat /root/told") == "renewed"
    assert box.ask("ls /etc/cairn/federation") == (
        "agent.key\nagent.pub\nca.crt\nenrolled\nnode.crt\nnode.key\nrenewed.d\nsettings.json"
    )


@pytest.mark.sandbox
def test_a_second_run_and_a_look_change_nothing(enrolled: Hospital) -> None:
    assert changed(enrolled.apply()) == []
    assert changed(enrolled.apply(check=True)) == []
    for role in (hub_ca, hub_registry, hub_gate):
        chain = enrolled.hub.ask("cat /root/chain") + "\n"
        assert changed(enrolled.hub.apply(hub_role(enrolled.hub, role, chain))) == []
        assert changed(enrolled.hub.apply(hub_role(enrolled.hub, role, chain), check=True)) == []


@pytest.mark.sandbox
def test_the_gate_lets_members_in_and_nobody_else(enrolled: Hospital) -> None:
    assert enrolled.gate() == "200"
    assert enrolled.gate(shown="") == "400"
    for path in ("/", "/docs", "/v1/control/runs", "/metrics", "/health", "/_register"):
        assert enrolled.gate(path, method="GET") in {"403", "404"}, path
    enrolled.box.ask(
        "cd /etc/cairn/federation && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
        f"-nodes -keyout foreign.key -out foreign.crt -days 2 -subj /CN={NODE}.{DOMAIN} 2>/dev/null"
    )
    assert enrolled.gate(shown="foreign") == "400"
    enrolled.box.ask("rm /etc/cairn/federation/foreign.*")


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("ends", "answer"), [("20990101000000Z", "200"), ("20250102000000Z", "400")]
)
def test_a_certificate_that_has_ended_opens_nothing(
    enrolled: Hospital, ends: str, answer: str
) -> None:
    # Signed by the hub's own authority; only the end differs. The list of those revoked covers
    # certificates that name where it lies, and nginx refuses what no list covers.
    made = enrolled.hub.ask(
        f"cd {hub_ca.FOLDER} && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
        f"-nodes -keyout /root/end.key -subj /CN={NODE}.{DOMAIN} -out /root/end.csr 2>/dev/null && "
        f"printf 'subjectAltName=DNS:{NODE}.{DOMAIN}\n"
        f"crlDistributionPoints=URI:http://ca.{DOMAIN}/1.0/crl\n' >/root/end.ext && "
        "openssl x509 -req -in /root/end.csr -CA chain.crt -CAkey intermediate.key "
        f"-not_before 20250101000000Z -not_after {ends} -extfile /root/end.ext 2>/dev/null && "
        "openssl x509 -in chain.crt"
    )
    key = enrolled.hub.ask("cat /root/end.key && rm /root/end.*")
    put(enrolled.box, "/etc/cairn/federation/end.crt", f"{made}\n")
    put(enrolled.box, "/etc/cairn/federation/end.key", f"{key}\n", "0600")
    said = enrolled.gate(shown="end")
    enrolled.box.ask("rm /etc/cairn/federation/end.*")
    assert said == answer


@pytest.mark.sandbox
def test_a_member_fetches_the_lists_of_those_revoked(enrolled: Hospital) -> None:
    folder = "/etc/cairn/federation"
    hook = f"{folder}/revoked.d/test"
    enrolled.box.ask(f"mkdir {folder}/revoked.d; printf '#!/bin/sh\\ntouch /root/new\\n' >{hook}")
    enrolled.box.ask(f"chmod 755 {hook}; /usr/local/libexec/cairn/node-identity revoked")
    assert enrolled.box.ask(f"grep -c 'BEGIN X509 CRL' {folder}/revoked.pem; ls /root/new") == (
        "2\n/root/new"
    )
    assert enrolled.gate("/v1/revoked", method="GET", shown="") == "400"
    enrolled.box.ask(f"rm -r {folder}/revoked.d {folder}/revoked.pem")


@pytest.mark.sandbox
def test_of_the_hub_one_port_is_open_and_nothing_of_its_administration(enrolled: Hospital) -> None:
    hub = enrolled.hub.place.address
    told = enrolled.box.ask(f"nmap -Pn -n --open -p 1-65535 --min-rate 5000 -oG - {hub}")
    # Without the roles base and firewall SSH is the sandbox's own.
    assert "443/open" in told
    assert "9000/open" not in told
    folder = "/etc/cairn/federation"
    for path in ("/admin/provisioners", "/acme/x/directory", "/1.0/provisioners/hub/encrypted-key"):
        status = enrolled.box.ask(
            f"curl -s -o /dev/null -w '%{{http_code}}' --cacert {folder}/ca.crt "
            f"--cert {folder}/node.crt --key {folder}/node.key https://ca.{DOMAIN}{path}"
        )
        assert status in {"404", "401", "403", "501"}, (path, status)


@pytest.mark.sandbox
def test_bad_invitations_are_told_apart_and_change_nothing(enrolled: Hospital) -> None:
    before = enrolled.box.ask("cd /etc/cairn/federation && sha256sum *.key *.crt enrolled")
    other = enrolled.invited("role-elsewhere")
    failed = str(enrolled.apply(other).failure)
    assert "is for another node" in failed or "ask for a new one" in failed
    used = enrolled.invited()
    late = {"token": _ended(used["token"])}
    assert "the invitation ended on" in str(enrolled.apply(late).failure)
    assert enrolled.box.ask("cd /etc/cairn/federation && sha256sum *.key *.crt enrolled") == before
    enrolled.box.ask("rm -f /etc/cairn/federation/invitation.json")
    assert enrolled.gate() == "200"


def _ended(token: str) -> str:
    """Return a token that says it ended; nobody but the host reads that before the hub does."""
    head, claims, signature = token.split(".")
    told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    told["exp"] = 1_700_000_000
    changed_claims = base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()
    return f"{head}.{changed_claims}.{signature}"


@pytest.mark.sandbox
def test_a_clock_that_is_off_is_told(enrolled: Hospital) -> None:
    """The clock of a sandbox cannot be set; libfaketime's place is taken by the hub's answer."""
    told = enrolled.box.ssh("sudo faketime -f +30d /usr/local/libexec/cairn/node-identity keep")
    assert told.returncode == 1
    assert "clock" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.sandbox
def test_a_hub_that_is_down_is_told_and_does_no_harm(enrolled: Hospital) -> None:
    enrolled.hub.ask("systemctl stop cairn-gate")
    told = enrolled.box.ssh("sudo /usr/local/libexec/cairn/node-identity keep")
    enrolled.hub.ask("systemctl start cairn-gate")
    assert told.returncode == 1
    assert f"{DOMAIN} port 443 cannot be reached" in told.stderr
    enrolled.box.ask("/usr/local/libexec/cairn/node-identity keep")


@pytest.mark.sandbox
def test_a_certificate_is_renewed_with_the_same_key(enrolled: Hospital) -> None:
    serial = "openssl x509 -noout -serial -in /etc/cairn/federation/node.crt"
    digest = "sha256sum /etc/cairn/federation/node.key"
    before, key = enrolled.box.ask(serial), enrolled.box.ask(digest)
    enrolled.renew()
    assert enrolled.box.ask(serial) != before
    assert enrolled.box.ask(digest) == key
    assert enrolled.gate() == "200"


@pytest.mark.sandbox
def test_an_enrolment_that_is_cut_short_goes_on(enrolled: Hospital) -> None:
    """The register is down after the authority has signed: the token is used, and that is kept."""
    enrolled.hub.ask("systemctl stop cairn-registry")
    told = enrolled.invited()
    failed = str(enrolled.apply(told).failure)
    assert "refused (502)" in failed
    enrolled.hub.ask("systemctl start cairn-registry")
    key = enrolled.register()["agent_key"]
    assert "Enrol the node, or renew what is due" in changed(enrolled.apply(told))
    assert enrolled.register()["agent_key"] != key
    assert enrolled.gate() == "200"


@pytest.mark.sandbox
def test_new_keys_end_the_former_certificate(enrolled: Hospital) -> None:
    enrolled.box.ask("cd /etc/cairn/federation && cp node.crt old.crt && cp node.key old.key")
    good(enrolled.apply(enrolled.invited()))
    assert enrolled.gate() == "200"
    assert enrolled.gate(shown="old") in {"400", "403"}
    wait(lambda: enrolled.gate(shown="old") == "400", "the former certificate is not on the list")
    enrolled.box.ask("rm /etc/cairn/federation/old.*")


@pytest.mark.sandbox
def test_a_revoked_node_is_refused_within_a_minute_and_comes_back(enrolled: Hospital) -> None:
    enrolled.hub.ask(f"{REGISTRY} revoke {NODE}")
    begin = time.monotonic()
    wait(lambda: enrolled.gate() == "400", "a revoked node is let in")
    assert time.monotonic() - begin < 60
    told = enrolled.box.ssh("sudo /usr/local/libexec/cairn/node-identity keep")
    assert told.returncode == 1
    good(enrolled.apply(enrolled.invited()))
    assert enrolled.gate() == "200"


@pytest.mark.long
@pytest.mark.sandbox
def test_a_new_root_takes_over_while_the_node_goes_on(
    enrolled: Hospital, above: Root, tmp_path: Path
) -> None:
    hub, second = enrolled.hub, root.make(tmp_path / "second", "demo 2", PASSPHRASE)
    # Both are trusted; then the hub stands under the new one, and the node renews.
    certify(hub, hub.ask("cat /root/chain") + "\n" + known(second))
    enrolled.trust(above, second)
    good(enrolled.apply())
    assert enrolled.gate() == "200"
    certify(hub, chain_of(hub, second, above))
    assert enrolled.gate() == "200"
    enrolled.renew()
    assert enrolled.gate() == "200"
    # The former one leaves.
    certify(hub, chain_of(hub, second))
    enrolled.trust(second)
    good(enrolled.apply())
    assert enrolled.gate() == "200"
    told = enrolled.box.ask(
        "openssl crl2pkcs7 -nocrl -certfile /etc/cairn/federation/node.crt "
        "| openssl pkcs7 -print_certs -noout | grep issuer"
    )
    assert "demo 2 root" in told


@pytest.mark.sandbox
def test_no_private_key_and_no_token_is_where_it_should_not_be(
    enrolled: Hospital, box: Ground
) -> None:
    for host in (enrolled.hub, box):
        keys = host.ask(
            "grep -rlE 'BEGIN ([A-Z]+ )*PRIVATE KEY' /etc /var/lib /var/log /root /home /tmp "
            "--exclude-dir=ssl 2>/dev/null | grep -v /etc/ssh/ | sort"
        ).split()
        assert all(one.startswith(("/etc/cairn/hub/", "/etc/cairn/gate/", "/etc/cairn/federation/"))
                   for one in keys), keys  # fmt: skip
    assert not [
        one for one in box.folder.rglob("*") if one.is_file() and b"eyJ" in one.read_bytes()
    ]


@pytest.mark.sandbox
def test_removal_takes_the_keys_of_the_node_away_and_keeps_the_register(
    enrolled: Hospital,
) -> None:
    good(enrolled.box.apply(enrolled.planned(), tasks_from="remove"))
    assert enrolled.box.ask("ls /etc/cairn; grep -c CAIRN /etc/hosts || true") == "0"
    for role in (hub_gate, hub_registry):
        good(enrolled.hub.apply(hub_role(enrolled.hub, role, ""), tasks_from="remove"))
    assert "443" not in enrolled.hub.ask("ss -Hlnt")
    assert enrolled.hub.ask("ls /var/lib/cairn-registry/registry.db")


def wait(found: Any, what: str) -> None:  # noqa: ANN401 - anything that can be asked
    end = time.monotonic() + 60
    while not found():
        assert time.monotonic() < end, what
        time.sleep(1)
