"""The disk of the data volume: what is planned, what is refused, and what a blank disk becomes."""

from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING, Any

import jinja2.nativetypes
import pytest
import yaml

from cairn import house
from cairn.plan.context import Context, Place
from cairn.plan.roles import volume
from policies.specimens import document
from roles.test_base_plan import rendered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cairn.plan.model import PlannedRole

ROLE = house.root() / "roles" / "volume"
SCRIPT = ROLE / "files" / "volume"
DISK = "/dev/disk/by-id/nvme-example-1"
IRON = {"existing": "192.0.2.10", "user": "cairn-admin"}


def planned(folder: Path, *, gateway: str | None = None, **storage: Any) -> PlannedRole | None:  # noqa: ANN401
    """Return the planned role of a hospital with those keys of `storage`."""
    machine = {"name": "imaging-1", "machine": IRON, "os": "debian-13", "runs": ["storage"]}
    wishes = {"path": "/srv/imaging", "size": "1 TiB", **storage}
    papers = document(folder, "data-provider", hosts=[machine], storage=wishes)
    place = Place("192.0.2.10", "cairn-admin", gateway)
    return volume.plan(Context(papers, papers.spec.hosts[0], place))


def luks(key_from: str, **more: str) -> dict[str, str]:
    return {"method": "luks2", "key_from": key_from, **more}


def test_without_a_device_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert planned(tmp_path) is None


def test_a_rehearsal_says_that_it_opens_no_disk(tmp_path: Path) -> None:
    role = planned(tmp_path, device=DISK, gateway="198.18.0.1")
    assert role is not None
    assert role.without == (volume.REHEARSED,)
    assert (role.files, role.packages) == ((), ())


@pytest.mark.parametrize(
    ("encryption", "source", "requires"),
    [
        (None, DISK, False),
        (luks("tpm2"), "/dev/mapper/cairn-volume", True),
        (luks("file", key_file="/media/key/volume"), "/dev/mapper/cairn-volume", True),
        (luks("prompt"), "/dev/mapper/cairn-volume", False),
    ],
)
def test_the_mount_names_the_disk_or_the_opened_one(
    tmp_path: Path, encryption: dict[str, str] | None, source: str, *, requires: bool
) -> None:
    role = planned(tmp_path, device=DISK, **({"encryption": encryption} if encryption else {}))
    assert role is not None
    (unit,) = rendered(role).values()
    assert f"What={source}\nWhere=/srv/imaging\n" in unit
    assert ("Requires=systemd-cryptsetup@" in unit) == requires
    assert ("cryptsetup" in role.packages) == (encryption is not None)
    assert role.services[0].unit == "srv-imaging.mount"


def test_the_unit_is_called_as_systemd_wants_it() -> None:
    path = "/srv/data-1/a_b"
    said = subprocess.run(
        ["/usr/bin/systemd-escape", "--path", "--suffix=mount", path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert volume.mount_unit(path) == said.stdout.strip() == r"srv-data\x2d1-a_b.mount"


def test_the_argument_specs_say_the_same_as_the_defaults(tmp_path: Path) -> None:
    specs = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    for entry in ("main", "remove"):
        options = specs[entry]["options"]
        assert {name: option["default"] for name, option in options.items()} == defaults
    role = planned(tmp_path, device=DISK)
    assert role is not None
    assert set(role.variables) <= set(defaults)


SOUND = {
    "volume_device": DISK,
    "volume_path": "/srv/imaging",
    "volume_key_from": "tpm2",
    "volume_own_kernel": True,
    "seen": ["there", "holds", "tpm"],
}


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({}, ""),
        ({"seen": ["there", "holds crypto_LUKS", "tpm"]}, ""),
        ({"seen": ["there", "holds ext4"], "volume_key_from": ""}, ""),
        ({"seen": ["tpm"]}, "is no disk of this host"),
        ({"seen": ["there", "holds ntfs", "tpm"]}, "holds ntfs, and Cairn writes over nothing"),
        ({"seen": ["there", "holds gpt", "tpm"]}, "holds gpt, and Cairn writes over nothing"),
        ({"seen": ["there", "holds ext4", "tpm"]}, "holds ext4, and Cairn writes over nothing"),
        ({"seen": ["there", "holds crypto_LUKS"], "volume_key_from": ""}, "holds crypto_LUKS"),
        ({"seen": ["there", "holds", "tpm", "filled"]}, "has files on the system disk"),
        ({"volume_own_kernel": False}, "shares the kernel of the computer below"),
        ({"seen": ["there", "holds"]}, "takes the key of the disk from a TPM"),
        ({"seen": ["there", "holds"], "volume_key_from": "prompt"}, "typed by a person"),
    ],
)
def test_the_preflight_refuses_what_it_must_and_nothing_else(
    other: dict[str, Any], told: str
) -> None:
    """The demands are Jinja2 of the role; here they are asked of recorded looks."""
    texts = yaml.safe_load((ROLE / "vars/main.yml").read_text())
    known = {**SOUND, **other}
    known["volume_look"] = {"stdout_lines": known.pop("seen")}
    engine = jinja2.nativetypes.NativeEnvironment(undefined=jinja2.StrictUndefined)
    engine.tests["match"] = lambda text, start: text.startswith(start)
    for name in ("volume_seen", "volume_holds", "volume_known"):
        known[name] = engine.from_string(texts[name]).render(known)
    known["volume_holds"] = known["volume_holds"] or ""
    wrong = [
        str(engine.from_string(one["wrong"]).render(known)).strip()
        for one in texts["volume_demands"]
        if not engine.from_string(one["holds"]).render(known)
    ]
    assert len(wrong) == bool(told), wrong
    assert all(told in one and one.count(". ") == 1 and one.endswith(".") for one in wrong)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[str]:
    """Yield a blank disk of this computer, 64 MiB."""
    image = tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(64 * 2**20)
    made = ["/usr/sbin/losetup", "--find", "--show", str(image)]
    name = subprocess.run(made, capture_output=True, text=True, check=True).stdout.strip()
    yield name
    subprocess.run(["/usr/sbin/losetup", "--detach", name], check=True)


def run(what: str, disk: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the script of the role as the role does, from its standard input."""
    return subprocess.run(
        ["/bin/sh", "-s", what, disk, str(folder), *more],
        input=SCRIPT.read_text(), capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.sandbox
def test_a_blank_disk_gets_a_file_system_once_and_its_folder_is_shut(
    disk: str, tmp_path: Path
) -> None:
    folder = tmp_path / "volume"
    assert run("look", disk, folder).stdout.split() == ["there", "holds"]
    assert run("open", disk, folder).stdout.split() == ["Made", "a", "file", "system", "on", disk]
    try:
        assert run("look", disk, folder).stdout.splitlines() == ["there", "holds ext4"]
        with pytest.raises(OSError, match="not permitted"):
            (folder / "image").touch()
        subprocess.run(["/usr/bin/mount", disk, folder], check=True)
        (folder / "image").write_text("kept")
        assert run("open", disk, folder).stdout == ""
        assert f"mounted {disk}" in run("look", disk, folder).stdout
        assert (folder / "image").read_text() == "kept"
    finally:
        subprocess.run(["/usr/bin/umount", folder], check=True)
        subprocess.run(["/usr/bin/chattr", "-i", folder], check=True)


@pytest.mark.sandbox
def test_what_lies_on_a_disk_is_named(disk: str, tmp_path: Path) -> None:
    # A partition table of one Linux partition, as IBM's PC has it: entry at 446, mark at 510.
    entry = bytes([0, 0, 2, 0, 0x83, 0, 0, 0]) + struct.pack("<II", 2048, 4096)
    with open(disk, "r+b") as device:  # noqa: PTH123 - a device
        device.write(bytes(446) + entry + bytes(48) + b"\x55\xaa")
    assert "holds dos" in run("look", disk, tmp_path).stdout.splitlines()
    subprocess.run(["/usr/sbin/mkswap", "--quiet", disk], capture_output=True, check=True)
    assert "holds swap" in run("look", disk, tmp_path).stdout.splitlines()
    (tmp_path / "files").mkdir()
    assert "filled" in run("look", disk, tmp_path).stdout.splitlines()


def test_an_encrypted_disk_is_made_with_keys_that_stay_out_of_sight(tmp_path: Path) -> None:
    """No kernel of a sandbox opens LUKS, so the programs only note what they were asked."""
    said = pretended(tmp_path, "tpm2")
    assert [line.split()[0] for line in said["calls"]] == [
        "cryptsetup", "systemd-cryptenroll", "systemd-cryptenroll", "systemd-cryptenroll",
        "systemctl", "systemctl",
    ]  # fmt: skip
    assert "luksFormat --batch-mode --type luks2 --label cairn-volume" in said["calls"][0]
    assert "--recovery-key" in said["calls"][1]
    assert "--tpm2-device=auto --tpm2-pcrs=7" in said["calls"][2]
    assert "--wipe-slot=0" in said["calls"][3]
    assert said["crypttab"] == ["cairn-volume /dev/null none luks,noauto,tpm2-device=auto"]
    assert (said["recovery"], said["mode"]) == ("correct-horse", "600")
    assert "correct-horse" not in said["out"]
    assert said["left"] == []


def test_a_key_file_is_added_and_named_in_the_crypttab(tmp_path: Path) -> None:
    said = pretended(tmp_path, "file", "/media/key/volume")
    assert "luksAddKey" in said["calls"][2]
    assert said["calls"][2].endswith("/dev/null /media/key/volume")
    assert said["crypttab"] == ["cairn-volume /dev/null /media/key/volume luks,noauto"]


def pretended(folder: Path, *key: str) -> dict[str, Any]:
    """Run the script with programs that only note their arguments, below a folder."""
    programs, run_folder = folder / "programs", folder / "run"
    programs.mkdir()
    (run_folder / "mapper").mkdir(parents=True)
    (run_folder / "mapper" / "cairn-volume").write_text("opened")
    note = f'#!/bin/sh\necho "$(basename "$0") $*" >>{folder}/calls\n'
    for name in ("cryptsetup", "systemctl", "mkfs.ext4", "chattr"):
        (programs / name).write_text(note)
    (programs / "systemd-cryptenroll").write_text(
        f"{note}case $* in *--recovery-key*) echo correct-horse;; esac\n"
    )
    (programs / "blkid").write_text(
        "#!/bin/sh\ncase $* in */mapper/*) echo TYPE=ext4;; *) exit 2;; esac\n"
    )
    for program in programs.iterdir():
        program.chmod(0o755)
    text = SCRIPT.read_text().replace("PATH=/usr/sbin", f"PATH={programs}:/usr/sbin")
    for place in ("/run/cairn-volume", "/root/cairn-volume", "/etc/crypttab", "/dev/mapper"):
        text = text.replace(place, str(run_folder / place.rpartition("/")[2]))
    done = subprocess.run(
        ["/bin/sh", "-s", "open", "/dev/null", str(folder / "volume"), *key],
        input=text, capture_output=True, text=True, check=True,
    )  # fmt: skip
    recovery = run_folder / "cairn-volume.recovery"
    return {
        "out": done.stdout + done.stderr,
        "calls": (folder / "calls").read_text().splitlines()[:6],
        "crypttab": (run_folder / "crypttab").read_text().splitlines(),
        "recovery": recovery.read_text().strip(),
        "mode": oct(recovery.stat().st_mode)[-3:],
        "left": [one.name for one in run_folder.glob("cairn-volume.*") if one != recovery],
    }
