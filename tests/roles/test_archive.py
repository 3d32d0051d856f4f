"""Database and archive on a real host, with the clients of a hospital; the plan without any."""

from __future__ import annotations

import json
import ssl
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import yaml
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove

from cairn import house, sandbox
from cairn.errors import Misuse
from cairn.plan.context import Context, Place
from cairn.plan.roles import archive, certificate, postgresql
from cairn.stack import certificates
from intake.stations import wait_for
from roles.clients import Client, client, run, stranger
from roles.harness import document, ground

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cairn.plan.model import PlannedRole
    from roles.harness import Ground

NODE, HOST, VOLUME = "role-archive", "box", "/srv/imaging"
DATABASE = "postgresql@17-cairn.service"
DICTIONARY = "cairn-dictionary.service"
UNITS = (DATABASE, "orthanc.service", "cairn-gate.service", DICTIONARY)
PROCESS = "systemctl show --property=MainPID --value cairn-gate.service"
SUCCESS = 0x0000
FIND = ("-S", "-k", "0008,0052=STUDY", "-k", "PatientID", "-k", "StudyInstanceUID")


def hospital(address: str, **wishes: object) -> dict[str, Any]:
    """Return the keys of a spec whose clients all come from one address."""
    return {
        "kind": "data-provider",
        "hosts": [{"name": HOST, "machine": "sandbox", "os": "debian-13", "runs": ["pacs"]}],
        "storage": {"path": VOLUME, "size": "1 TiB"},
        "pacs": {
            "aet": "INTAKE",
            "accepts": [
                {"aet": "CT-1", "address": address, "may": ["store", "echo"]},
                {"aet": "WORKSTATION", "address": address, "may": ["find", "move", "echo"]},
            ],
            "consumers": [
                {"name": "reader", "networks": [f"{address}/32"]},
                {"name": "sender", "networks": [f"{address}/32"], "may": ["store"]},
            ],
            **wishes,
        },
    }


def planned(**wishes: object) -> PlannedRole:
    papers = document("demo", "debian-13", **hospital("192.0.2.9", **wishes))
    return archive.plan(Context(papers, papers.spec.hosts[0], Place("192.0.2.10", "admin")))


def read(path: str) -> Any:  # noqa: ANN401 - whatever the YAML holds
    return yaml.safe_load((house.root() / "roles/archive" / path).read_text())


@pytest.mark.parametrize("entry", ["main", "remove"])
def test_the_argument_specs_say_the_same_as_the_defaults(entry: str) -> None:
    options = read("meta/argument_specs.yml")["argument_specs"][entry]["options"]
    assert {name: option["default"] for name, option in options.items()} == read(
        "defaults/main.yml"
    )


def test_every_variable_of_the_plan_is_one_of_the_role() -> None:
    assert set(planned().variables) <= set(read("defaults/main.yml"))


def test_who_may_search_gets_the_port_of_dicom_and_nobody_else() -> None:
    ways = {(flow.direction, flow.peer, flow.port) for flow in planned().flows}
    assert ways == {
        ("in", "192.0.2.9/32", 8443),
        ("in", "192.0.2.9", 4243),
        ("out", "192.0.2.9", 11112),
    }
    nobody = planned(accepts=[{"aet": "CT-1", "address": "192.0.2.9", "may": ["store"]}])
    assert 4243 not in {one.port for one in nobody.listeners}
    assert json.loads(nobody.settings["orthanc"])["DicomServerEnabled"] is False


def test_who_speaks_plain_dicom_is_left_out_aloud() -> None:
    plain = [{"aet": "OLD", "address": "192.0.2.9", "may": ["find"], "plain": True}]
    role = planned(accepts=plain)
    assert role.without == (
        "searches by OLD: it speaks plain DICOM, and the archive answers TLS only",
    )


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Yield a host with certificate, database and archive."""
    try:
        here = begin(tmp_path_factory.mktemp("box"))
        apply(here)
        yield here
    finally:
        sandbox.remove(NODE, HOST, delete_data=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clients")


@pytest.fixture(scope="module")
def reader(box: Ground, folder: Path) -> Client:
    return client(box, folder, "reader")


@pytest.fixture(scope="module")
def sender(box: Ground, folder: Path) -> Client:
    """Yield who may store, with one image stored."""
    found = client(box, folder, "sender")
    status, answer = found.store(1)
    assert status == "200", answer
    return found


@pytest.fixture(scope="module")
def workstation(box: Ground, folder: Path) -> Client:
    return client(box, folder, "WORKSTATION")


def begin(folder: Path) -> Ground:
    """Start the machine with its volume, and the lists of packages that the role base brings."""
    here = ground(NODE, HOST, "debian-13", folder, volumes=(VOLUME,), ports=(11112,))
    here.ask("apt-get update --quiet --quiet")
    return here


def roles(box: Ground) -> list[PlannedRole]:
    context = box.context(**hospital(str(box.place.gateway)))
    return [role.plan(context) for role in (certificate, postgresql, archive)]


def apply(box: Ground, **how: object) -> list[str]:
    """Apply the three roles and return the names of the tasks that changed something."""
    changed = []
    for role in roles(box):
        outcome = box.apply(role, **how)
        assert outcome.failure is None, f"{role.name}: {outcome.failure}"
        changed += [change.task for change in outcome.changes]
    return changed


def studies(who: Client) -> set[str]:
    """Return the patients that a client finds by QIDO-RS."""
    status, answer = who.curl("/dicom-web/studies")
    assert status == "200", answer
    return {study["00100020"]["Value"][0] for study in json.loads(answer)}


@pytest.mark.sandbox
def test_a_second_run_and_a_look_change_nothing(box: Ground) -> None:
    assert apply(box, check=True) == []
    assert apply(box) == []


@pytest.mark.sandbox
def test_the_gate_goes_on_with_an_updated_nginx(box: Ground) -> None:
    before = box.ask(PROCESS)
    # As dpkg does it: the new file is written beside the old one and takes its name.
    box.ask("cp -p /usr/sbin/nginx /usr/sbin/nginx.dpkg-new && "
            "mv /usr/sbin/nginx.dpkg-new /usr/sbin/nginx")  # fmt: skip
    wait_for(lambda: box.ask(PROCESS) not in {before, "0"}, "the gate runs the old program")
    box.ask("until ss -Hltn sport = :8443 | grep -q .; do sleep 0.1; done")
    assert box.ask("systemctl is-active cairn-gate.service") == "active"


@pytest.mark.sandbox
def test_what_was_stored_is_found_and_read_back(reader: Client, sender: Client) -> None:
    assert "PSEUDO-1" in studies(reader)
    status, study = reader.curl("/dicom-web/studies/1.2.826.0.1.3680043.10.1")
    assert status == "200"
    assert "PSEUDO-1" in study
    assert sender.name == "sender"


@pytest.mark.sandbox
def test_what_the_verb_has_signed_on_the_host_opens_the_gate(box: Ground, folder: Path) -> None:
    papers = box.context(**hospital(str(box.place.gateway)))
    second = stranger(box, folder, "console-7")
    request = (folder / "console-7.csr").read_bytes()
    signed = certificates.sign(papers.document, papers.host, request, "reader")
    second.crt.write_text(signed)
    assert second.curl("/dicom-web/studies")[0] == "200"
    authority = certificates.authority_of(papers.document, papers.host)
    assert authority.strip() == (folder / "ca.crt").read_text().strip()
    with pytest.raises(Misuse, match="declares no client `console-7`"):
        certificates.sign(papers.document, papers.host, request)


@pytest.mark.sandbox
def test_a_consumer_does_what_it_may_and_nothing_else(reader: Client, sender: Client) -> None:
    assert reader.store(2)[0] == "403"
    assert sender.curl("/dicom-web/studies")[0] == "403"
    assert reader.curl("/dicom-web/studies/1.2.826.0.1.3680043.10.1", "-X", "DELETE")[0] == "403"


@pytest.mark.sandbox
@pytest.mark.parametrize(
    "path",
    ["/", "/app/explorer.html", "/instances", "/system", "/dicom-web/servers", "/tools/find",
     "/dicom-web/studies/../../instances", "/dicom-web/studies/%2e%2e/%2e%2e/system"],
)  # fmt: skip
def test_nothing_but_dicomweb_is_reached_from_outside(reader: Client, path: str) -> None:
    assert reader.curl(path)[0] in {"403", "404"}


@pytest.mark.sandbox
def test_who_shows_no_certificate_or_a_foreign_one_is_refused(box: Ground, folder: Path) -> None:
    nobody = Client("nobody", folder, box.place.address)
    foreign = stranger(box, folder, "foreigner")
    assert nobody.curl("/dicom-web/studies") == ("400", nobody.curl("/")[1])
    assert "No required SSL certificate was sent" in nobody.curl("/")[1]
    assert "SSL certificate error" in foreign.curl("/dicom-web/studies")[1]


@pytest.mark.sandbox
def test_a_certificate_of_somebody_who_is_no_consumer_opens_nothing(workstation: Client) -> None:
    assert workstation.curl("/dicom-web/studies")[0] == "403"


@pytest.mark.sandbox
@pytest.mark.parametrize("port", [8443, 4243])
def test_old_versions_of_tls_are_refused(box: Ground, port: int) -> None:
    way = ("openssl", "s_client", "-connect", f"{box.place.address}:{port}")
    old = ("-cipher", "ALL:@SECLEVEL=0")
    told = {
        version: "protocol version" in (run(*way, *old, f"-{version}").stderr)
        for version in ("tls1_1", "tls1_2")
    }
    assert told == {"tls1_1": True, "tls1_2": False}


@pytest.mark.sandbox
def test_a_modality_that_knows_tls_1_2_and_rsa_only_gets_in(workstation: Client) -> None:
    told = run(
        "openssl", "s_client", "-connect", f"{workstation.address}:4243", "-tls1_2", "-cipher",
        "ECDHE-RSA-AES128-GCM-SHA256", "-cert", workstation.crt, "-key", workstation.key,
    ).stdout  # fmt: skip
    assert "Cipher is ECDHE-RSA-AES128-GCM-SHA256" in told


@pytest.mark.sandbox
def test_a_declared_peer_finds_over_dicom_and_may_not_store(
    workstation: Client, sender: Client, folder: Path
) -> None:
    assert "PSEUDO-1" in workstation.dicom("findscu", *FIND)
    assert "Store Failed" in workstation.dicom("storescu", folder / "1.dcm")
    assert "PSEUDO" not in sender.dicom("findscu", *FIND, title="CT-1")
    told = sender.dicom("findscu", *FIND, title="SOMEBODY")
    assert "Calling AE Title Not Recognized" in told


@pytest.mark.sandbox
def test_a_declared_peer_has_images_sent_to_it_and_nobody_else_has(
    workstation: Client, sender: Client, folder: Path
) -> None:
    got = folder / "got"
    got.mkdir()
    own = ("+tls", workstation.key, workstation.crt, "+cf", folder / "ca.crt")
    receiver = ["/usr/bin/storescp", *own, "-aet", "WORKSTATION", "-od", got, "11112"]
    with subprocess.Popen(receiver) as receiving:
        wait_for(lambda: "11112" in run("ss", "-Hltn").stdout, "the receiver does not listen")
        told = [moved(workstation, "WORKSTATION", to) for to in ("WORKSTATION", "SOMEBODY")]
        others = moved(sender, "CT-1", "WORKSTATION")
        receiving.terminate()
    assert len(list(got.iterdir())) == 1
    assert (told[0][-1], told[1][-1] == SUCCESS, SUCCESS in others) == (SUCCESS, False, False)


def moved(who: Client, title: str, to: str) -> list[int]:
    """Ask for a study to be sent (C-MOVE) over TLS, which dcmtk's own client cannot everywhere.

    Returns:
        The statuses that the archive answers; -1 where it opens no association.
    """
    entity, wanted = AE(ae_title=title), Dataset()
    entity.add_requested_context(StudyRootQueryRetrieveInformationModelMove)
    wanted.QueryRetrieveLevel, wanted.StudyInstanceUID = "STUDY", "1.2.826.0.1.3680043.10.1"
    context = ssl.create_default_context(cafile=who.folder / "ca.crt")
    context.load_cert_chain(who.crt, who.key)
    way = (context, who.address)
    link = entity.associate(who.address, 4243, ae_title="CAIRN-ARCHIVE", tls_args=way)
    if not link.is_established:
        return [-1]
    answers = link.send_c_move(wanted, to, StudyRootQueryRetrieveInformationModelMove)
    statuses = [status.get("Status", -1) for status, _ in answers]
    link.release()
    return statuses


@pytest.mark.sandbox
def test_plain_dicom_and_dicom_without_certificate_are_refused(box: Ground, folder: Path) -> None:
    way = ("-aet", "WORKSTATION", "-aec", "CAIRN-ARCHIVE", box.place.address, "4243")
    plain = run("findscu", *FIND, *way)
    bare = run("findscu", "+tla", "+cf", folder / "ca.crt", *FIND, *way)
    assert (plain.returncode != 0, bare.returncode != 0) == (True, True)
    assert "PSEUDO" not in plain.stdout + bare.stdout


@pytest.mark.sandbox
def test_the_rest_interface_answers_the_loopback_and_passwords_only(box: Ground) -> None:
    far = run("curl", "--silent", "--max-time", "5", "--write-out", "%{http_code}",
              f"http://{box.place.address}:8042/system")  # fmt: skip
    assert far.stdout in {"000", "401", "403"}
    assert asked(box, "", "/system") == "401"
    assert asked(box, "verify", "/system") == "200"
    assert asked(box, "verify", "/instances") == "403"
    assert asked(box, "intake", "/studies") == "403"
    assert asked(box, "web-reader", "/tools/execute-script", "POST") == "403"


def asked(box: Ground, user: str, path: str, method: str = "GET") -> str:
    """Return the status that Orthanc answers a user on the host itself."""
    return box.ask(f"""python3 - <<'PY'
import base64, urllib.error, urllib.request
ask = urllib.request.Request("http://127.0.0.1:8042{path}", method="{method}")
if "{user}":
    word = open("/etc/cairn/archive/{user}.password").read()
    known = base64.b64encode(b"{user}:" + word.encode()).decode()
    ask.add_header("Authorization", "Basic " + known)
try:
    print(urllib.request.urlopen(ask).status)
except urllib.error.HTTPError as error:
    print(error.code)
PY""")


@pytest.mark.sandbox
def test_the_database_has_a_socket_only_and_lets_in_the_archive_only(box: Ground) -> None:
    assert "postgres" not in box.ask("ss -Hlntup")
    asked = "psql --tuples-only --no-align --command='SHOW data_checksums' orthanc"
    assert box.ask(f"runuser -u orthanc -- {asked}") == "on"
    for somebody in ("nobody", "cairn-gate"):
        refused = box.ssh(f"sudo runuser -u {somebody} -- {asked}")
        assert "pg_hba.conf rejects connection" in refused.stderr
    posing = box.ssh("sudo runuser -u nobody -- psql --username=orthanc orthanc")
    assert "Peer authentication failed" in posing.stderr


@pytest.mark.sandbox
def test_every_unit_is_hardened(box: Ground) -> None:
    told = box.ask(
        f"for unit in {' '.join(UNITS)}; do"
        " systemd-analyze security --no-pager $unit | tail -n 1; done"
    )
    scores = [float(line.split(": ")[1].split()[0]) for line in told.splitlines()]
    assert len(scores) == len(UNITS)
    assert max(scores) <= 3.0, told


@pytest.mark.sandbox
def test_no_password_is_readable_by_others(box: Ground) -> None:
    modes = box.ask("cd /etc && stat --format='%a %U %n' cairn/archive/*.password "
                    "cairn/archive/gate-users.conf orthanc/users.json")  # fmt: skip
    assert {line.split()[0] for line in modes.splitlines()[:-1]} == {"600"}
    assert modes.splitlines()[-1] == "640 root orthanc/users.json"


@pytest.mark.sandbox
def test_the_journal_names_nobody(box: Ground, reader: Client, workstation: Client) -> None:
    reader.curl("/dicom-web/studies?PatientName=Planted*")
    reader.curl("/dicom-web/patients/Planted")
    workstation.dicom("findscu", *FIND, "-k", "PatientName=Planted*")
    units = f"-u orthanc -u cairn-gate -u {DATABASE}"
    journal = box.ask(f"journalctl --sync; for of in '{units}' '-t cairn_gate'; do"
                      " journalctl --no-pager $of; done")  # fmt: skip
    assert '"reader" GET /dicom-web/studies 200' in journal.replace("\\", "")
    assert "Planted" not in journal
    assert "PSEUDO" not in journal


@pytest.mark.sandbox
def test_the_dictionary_tells_large_counts_and_hides_small_ones(
    box: Ground, sender: Client
) -> None:
    for uid in range(100, 112):
        assert sender.store(uid)[0] == "200"
    box.ask(f"systemctl start {DICTIONARY}")
    told = json.loads(box.ask("cat /var/lib/cairn-dictionary/dictionary.json"))
    assert told["series"]["modality"] == {"CT": 10, "others": None}
    assert told["patients"]["sex"] == {"F": 10, "others": None}
    assert told["series"]["manufacturer"] == {"UNKNOWN": 10, "others": None}
    assert "PSEUDO" not in json.dumps(told)
    assert box.ask("systemctl is-active cairn-dictionary.timer") == "active"
    assert asked(box, "dictionary", "/patients") == "403"


@pytest.mark.sandbox
def test_a_password_and_a_setting_changed_by_hand_are_found_and_mended(
    box: Ground, reader: Client, sender: Client
) -> None:
    box.ask("rm /etc/cairn/archive/web-reader.password; echo '{}' >/etc/orthanc/extra.json")
    looked = apply(box, check=True)
    apply(box)
    assert "Make the passwords of the services, which stay on the host" in looked
    assert "Remove settings that are not Cairn's, and those the plan no longer has" in looked
    assert apply(box, check=True) == []
    assert "PSEUDO-1" in studies(reader)
    assert sender.store(3)[0] == "200"


@pytest.mark.sandbox
def test_the_archive_survives_a_restart_of_the_database(
    box: Ground, reader: Client, sender: Client
) -> None:
    box.ask(f"systemctl restart {DATABASE}")
    wait(box, reader)
    assert sender.store(4)[0] == "200"
    assert "PSEUDO-4" in studies(reader)


def wait(box: Ground, who: Client) -> None:
    """Wait until the archive answers."""
    for _ in range(30):
        if who.curl("/dicom-web/studies?limit=1")[0] == "200":
            return
        box.ask("sleep 1")
    pytest.fail(box.ask("journalctl --no-pager -u orthanc | tail -n 20"))


def cut_the_power(box: Ground) -> None:
    """Kill the host's init: the kernel ends everything in it at once."""
    machine = psutil.Process(box.running.pid)
    (init,) = machine.children()
    init.kill()
    machine.wait(20)


@pytest.mark.sandbox
def test_what_was_confirmed_survives_a_power_cut(
    box: Ground, reader: Client, sender: Client
) -> None:
    assert sender.store(5)[0] == "200"
    cut_the_power(box)
    begin(box.folder)
    wait(box, reader)
    assert {"PSEUDO-1", "PSEUDO-5"} <= studies(reader)
    assert apply(box, check=True) == []


@pytest.mark.sandbox
def test_data_of_another_release_are_refused(box: Ground) -> None:
    box.ask(f"echo 14 >{VOLUME}/postgresql/PG_VERSION")
    outcome = box.apply(roles(box)[1])
    box.ask(f"echo 17 >{VOLUME}/postgresql/PG_VERSION")
    assert "holds a database of PostgreSQL 14" in str(outcome.failure)
    assert outcome.changes == ()


@pytest.mark.long
@pytest.mark.sandbox
def test_images_and_index_are_back_on_a_new_machine(
    box: Ground, tmp_path: Path, sender: Client
) -> None:
    assert sender.store(6)[0] == "200"
    for role in reversed(roles(box)):
        assert box.apply(role, tasks_from="remove").failure is None
    assert box.ask("ls -A /etc/orthanc; ls /etc/cairn/archive 2>/dev/null || true") == ""
    sandbox.remove(NODE, HOST)
    again = begin(tmp_path)
    # On the new machine other accounts may have the old numbers.
    again.ask("useradd --system first && useradd --system second")
    apply(again)
    reader = client(again, tmp_path, "reader")
    assert {"PSEUDO-1", "PSEUDO-6"} <= studies(replace(reader, address=again.place.address))
    assert apply(again, check=True) == []
