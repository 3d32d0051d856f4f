"""The authority of a hub on a real host: it waits for the root, then enrols, renews and revokes."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import yaml
from cryptography import x509

from cairn import house, sandbox
from cairn.federation import root
from cairn.plan.roles import hub_ca
from federation.authority import DOMAIN, Authority, Node, free_port
from federation.test_root import PASSPHRASE, openssl
from intake.stations import wait_for
from roles.harness import ground

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cairn.ansible.outcome import Outcome
    from cairn.federation.root import Root
    from cairn.plan.model import PlannedRole
    from roles.harness import Ground

NODE = "role-hub-ca"


@pytest.mark.parametrize("entry", ["main", "remove"])
def test_the_argument_specs_say_the_same_as_the_defaults(entry: str) -> None:
    folder = house.root() / "roles" / "hub_ca"
    specs = yaml.safe_load((folder / "meta/argument_specs.yml").read_text())["argument_specs"]
    defaults = yaml.safe_load((folder / "defaults/main.yml").read_text())
    options = specs[entry]["options"]
    assert {name: option["default"] for name, option in options.items()} == defaults


@pytest.fixture(scope="module")
def above(tmp_path_factory: pytest.TempPathFactory) -> Root:
    return root.make(tmp_path_factory.mktemp("root") / "demo", "demo", PASSPHRASE)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A host on which the role ran before the root had signed anything."""
    try:
        here = ground(NODE, "d13", "debian-13", tmp_path_factory.mktemp("d13"))
        outcome = here.apply(planned(here, ""))
        assert outcome.failure is None, outcome.failure
        yield here
    finally:
        sandbox.remove(NODE, "d13")


@pytest.fixture(scope="module")
def chain(box: Ground, above: Root) -> str:
    """The chain for the request of the host, and the host with it."""
    asked = x509.load_pem_x509_csr(box.ask("cat /etc/cairn/hub/intermediate.csr").encode())
    made = root.pem(root.sign_intermediate(above, asked, DOMAIN)) + root.pem(above.certificate)
    applied = box.apply(planned(box, made.decode()))
    assert applied.failure is None, applied.failure
    return made.decode()


def planned(box: Ground, chain: str) -> PlannedRole:
    context = box.context(hub={"domain": DOMAIN})
    papers = replace(context.document, hub_authority={"chain": chain} if chain else {})
    return hub_ca.plan(replace(context, document=papers))


def changed(outcome: Outcome) -> list[str]:
    assert outcome.failure is None, outcome.failure
    return [change.task for change in outcome.changes]


class Reached(Authority):
    """The authority of the host through a tunnel, as the hub's public port will pass it on."""

    box: Ground

    def token(self, subject: str, path: str = "/1.0/sign", **_: object) -> str:
        """Have the host make a one-time token."""
        act = path.rpartition("/")[2]
        return self.box.ask(f"/usr/local/libexec/cairn/hub-token {act} {subject}")


@pytest.fixture(scope="module")
def hub(
    box: Ground, chain: str, above: Root, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reached]:
    del chain
    found = Reached(tmp_path_factory.mktemp("clients"), free_port(), above.key)
    found.box = box
    found.trust(above.certificate)
    way = box.running.connection
    there = f"{way['user']}@{way['address']}"
    words = ["/usr/bin/ssh", "-N", "-i", str(way["key_file"]), "-o", "StrictHostKeyChecking=no",
             "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes",
             "-L", f"127.0.0.1:{found.port}:127.0.0.1:9000", there]  # fmt: skip
    with subprocess.Popen(words, stdin=subprocess.DEVNULL) as tunnel:
        wait_for(lambda: found.curl("/health")[0] == "200", "the tunnel does not stand")
        yield found
        tunnel.terminate()


def enrolled(hub: Reached, folder: Path) -> Node:
    """Have a host of a node get a certificate, once for its token."""
    node = Node(folder, folder.name)
    body = {"csr": node.request, "ott": hub.token(node.host)}
    status, answer = hub.curl("/1.0/sign", body=body)
    assert status == "201", answer
    node.keep(answer)
    assert hub.curl("/1.0/sign", body=body)[0] == "401"
    return node


@pytest.mark.sandbox
def test_before_the_root_has_signed_there_is_a_request_and_nothing_runs(box: Ground) -> None:
    assert "self-signature verify OK" in box.ask(
        "openssl req -verify -noout -in /etc/cairn/hub/intermediate.csr 2>&1"
    )
    assert "9000" not in box.ask("ss -Hlnt")


@pytest.mark.sandbox
def test_a_chain_for_another_key_is_refused_and_what_runs_goes_on(
    box: Ground, chain: str, hub: Reached, above: Root, tmp_path: Path
) -> None:
    other = root.make(tmp_path / "other", "other", PASSPHRASE)
    foreign = (root.pem(other.certificate) + root.pem(above.certificate)).decode()
    failed = box.apply(planned(box, foreign)).failure
    assert failed is not None
    assert "is for another key than this hub's" in str(failed)
    assert hub.curl("/health")[1] == {"status": "ok"}
    assert changed(box.apply(planned(box, chain)))


@pytest.mark.sandbox
def test_a_second_run_and_a_look_change_nothing(box: Ground, chain: str) -> None:
    assert changed(box.apply(planned(box, chain))) == []
    assert changed(box.apply(planned(box, chain), check=True)) == []


@pytest.mark.sandbox
def test_keys_are_roots_alone_and_the_service_is_shut_in(box: Ground, chain: str) -> None:
    del chain
    modes = box.ask("stat --format='%a %U %n' /etc/cairn/hub/*.key")
    assert modes.splitlines() == [
        "600 root /etc/cairn/hub/federation.key",
        "600 root /etc/cairn/hub/intermediate.key",
        "600 root /etc/cairn/hub/token.key",
    ]
    told = box.ask("systemd-analyze security --no-pager cairn-ca.service | tail -n 1")
    assert float(told.split(":")[1].split()[0]) <= 3.0
    assert box.ask("ss -Hlnt sport = :9000").split()[3] == "127.0.0.1:9000"


@pytest.mark.sandbox
def test_a_node_enrols_once_renews_and_is_revoked(
    hub: Reached, chain: str, above: Root, tmp_path: Path
) -> None:
    node = enrolled(hub, tmp_path / "hospital-a")
    (node.folder / "root.crt").write_bytes(root.pem(above.certificate))
    (node.folder / "both.crt").write_text(chain)
    strict = "verify -x509_strict -CAfile root.crt -untrusted node.crt node.crt"
    assert openssl(node.folder, strict).stdout == "node.crt: OK\n"
    assert hub.curl("/1.0/renew", *node.shows(), body={})[0] == "201"

    serial = str(node.certificate.serial_number)
    body = {"serial": serial, "ott": hub.token(serial, "/1.0/revoke"), "passive": True,
            "reasonCode": 4}  # fmt: skip
    assert hub.curl("/1.0/revoke", body=body)[0] == "200"
    assert hub.curl("/1.0/renew", *node.shows(), body={})[0] == "401"
    hub.fetch_list(node.folder / "list.pem")
    checked = "verify -crl_check -CRLfile list.pem -CAfile both.crt node.crt"
    assert "certificate revoked" in openssl(node.folder, checked).stderr


@pytest.mark.sandbox
def test_harm_done_by_hand_is_found_and_mended(box: Ground, chain: str, hub: Reached) -> None:
    box.ask("systemctl stop cairn-ca; echo x >>/etc/cairn/hub/ca.json")
    box.ask("chmod 0644 /etc/cairn/hub/*.key")
    assert changed(box.apply(planned(box, chain), check=True))
    assert changed(box.apply(planned(box, chain)))
    assert changed(box.apply(planned(box, chain), check=True)) == []
    assert hub.curl("/health")[1] == {"status": "ok"}


@pytest.mark.sandbox
def test_a_key_that_is_gone_is_not_replaced(box: Ground, chain: str) -> None:
    box.ask("mv /etc/cairn/hub/intermediate.key /root/kept")
    failed = box.apply(planned(box, chain)).failure
    box.ask("mv /root/kept /etc/cairn/hub/intermediate.key")
    assert "Put the key back from the backup" in str(failed)


@pytest.mark.sandbox
def test_removal_keeps_keys_and_register_and_coming_back_goes_on(
    box: Ground, chain: str, hub: Reached, tmp_path: Path
) -> None:
    node = enrolled(hub, tmp_path / "hospital-b")
    assert box.apply(planned(box, chain), tasks_from="remove").failure is None
    left = [
        "federation.key",
        "intermediate.crt",
        "intermediate.csr",
        "intermediate.key",
        "root.crt",
        "token.key",
    ]
    assert box.ask("ls /etc/cairn/hub").splitlines() == left
    assert "9000" not in box.ask("ss -Hlnt")
    assert changed(box.apply(planned(box, chain)))
    assert hub.curl("/1.0/renew", *node.shows(), body={})[0] == "201"
