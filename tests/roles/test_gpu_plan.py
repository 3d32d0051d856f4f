"""What the GPU role plans, and what its look at a host says of recorded machines."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cairn import house
from cairn.plan.context import Context, Place
from cairn.plan.model import PlannedRole
from cairn.plan.roles import gpu
from cairn.spec.loader import load
from policies.specimens import document
from roles.test_base_plan import rendered

if TYPE_CHECKING:
    from pathlib import Path

ROLE = house.root() / "roles" / "gpu"
KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQINBFnL\n=ab12\n-----END PGP PUBLIC KEY BLOCK-----"
MIRROR = "https://packages.gpu.example/deb/amd64"
TOOLKIT = {"mirror": MIRROR, "key": "toolkit.asc", "version": "1.17.8"}
PINNED = {"vendor": "nvidia", "memory": "24 GiB", "driver": "550.163.01", "toolkit": TOOLKIT}

#: /proc/driver/nvidia/version and params as the driver writes them.
VERSION = (
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.163.01  Tue Apr  8 12:41:17 UTC 2025\n"
    "GCC version:  gcc version 14.2.0 (Debian 14.2.0-19) \n"
)
#: Of a real one (docs/verification/gpu.txt).
OPEN_VERSION = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build  (...)\n"
    "GCC version:  gcc version 15.3.0 (GCC) \n"
)
PARAMS = "ModifyDeviceFiles: 1\nDeviceFileUID: 0\nDeviceFileGID: 987\nDeviceFileMode: 432\n"
EFI = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


def planned(folder: Path, wish: dict[str, Any], **network: object) -> PlannedRole:
    """Return the planned role of a hospital with that `gpu`."""
    changes = {"gpu": wish, **{f"network.{key}": value for key, value in network.items()}}
    papers = replace(document(folder, "data-provider", **changes), toolkit_key=KEY)
    return gpu.plan(Context(papers, papers.spec.hosts[0], Place("192.0.2.10", "cairn-admin")))


def machine(folder: Path, files: dict[str, str | bytes]) -> dict[str, Any]:
    """Return what the look says of a recorded machine."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    look = ["sh", str(ROLE / "files" / "look.sh"), str(folder)]
    found = subprocess.run(look, capture_output=True, text=True, check=True)
    return dict(json.loads(found.stdout))


def card(vendor: str, kind: str, slot: int = 1) -> dict[str, str]:
    folder = f"sys/bus/pci/devices/0000:0{slot}:00.0"
    return {f"{folder}/vendor": f"{vendor}\n", f"{folder}/class": f"{kind}\n"}


def test_no_gpu_is_a_choice_that_the_plan_states(tmp_path: Path) -> None:
    role = planned(tmp_path, {"vendor": "none"})
    assert role == PlannedRole("gpu", variables={"gpu_vendor": "none"}, without=(gpu.NONE,))


def test_driver_and_toolkit_are_pinned_and_signed(tmp_path: Path) -> None:
    files = rendered(planned(tmp_path, PINNED))
    pins, sources = files[gpu.PINS], files[gpu.SOURCES]
    assert "Package: src:nvidia-graphics-drivers\nPin: version 550.163.01-*" in pins
    assert 'Pin: origin "packages.gpu.example"\nPin-Priority: -1' in pins
    assert "Package: nvidia-container-toolkit-base\nPin: version 1.17.8-*" in pins
    assert f"URIs: {MIRROR}/\nSuites: /\nSigned-By:\n -----BEGIN PGP" in sources
    assert "\n .\n mQINBFnL\n" in sources


@pytest.mark.parametrize(
    ("network", "peer", "port"),
    [
        ({}, "packages.gpu.example", 443),
        ({"proxy": "http://proxy.hospital.example:3128"}, "proxy.hospital.example", 3128),
    ],
)
def test_the_way_to_the_toolkit_is_a_declared_flow(
    tmp_path: Path, network: dict[str, str], peer: str, port: int
) -> None:
    (flow,) = planned(tmp_path, PINNED, **network).flows
    assert (flow.name, flow.direction, flow.peer, flow.port) == ("gpu-toolkit", "out", peer, port)


def test_without_the_toolkit_no_container_is_promised(tmp_path: Path) -> None:
    role = planned(tmp_path, {"vendor": "nvidia", "driver": "550.163.01"})
    assert role.without == (gpu.NO_CONTAINERS,)
    assert role.flows == ()
    assert "podman" not in role.packages
    assert not [file.path for file in role.files if "cdi" in file.path]


def test_every_file_begins_with_what_made_it(tmp_path: Path) -> None:
    for path, content in rendered(planned(tmp_path, PINNED)).items():
        assert f"Made by Cairn from templates/gpu{path}.j2" in content.splitlines()[0]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, {"gpus": 0, "driver": "", "secure_boot": "off", "nouveau": False}),
        (card("0x10de", "0x030200"), {"gpus": 1}),
        ({**card("0x10de", "0x030000"), **card("0x10de", "0x030200", 2)}, {"gpus": 2}),
        ({**card("0x10de", "0x040300"), **card("0x8086", "0x030000", 2)}, {"gpus": 0}),
        ({"proc/driver/nvidia/version": VERSION}, {"driver": "550.163.01"}),
        ({"proc/driver/nvidia/version": OPEN_VERSION}, {"driver": "580.159.04"}),
        ({"proc/driver/nvidia/params": PARAMS}, {"device_group": "987", "device_mode": "432"}),
        ({"sys/module/nouveau/refcnt": "0\n"}, {"nouveau": True}),
        ({EFI: b"\x06\0\0\0\1"}, {"secure_boot": "on", "key_trusted": False}),
        ({EFI: b"\x06\0\0\0\0"}, {"secure_boot": "off"}),
        ({"proc/sys/kernel/osrelease": "6.12.48+deb13-amd64\n"}, {"kernel": "6.12.48+deb13-amd64"}),
        ({"proc/sys/kernel/osrelease": '6.1"; rm\n'}, {"kernel": "unknown"}),
    ],
)
def test_the_look_says_what_a_recorded_machine_has(
    tmp_path: Path, files: dict[str, str | bytes], told: dict[str, object]
) -> None:
    seen = machine(tmp_path, files)
    assert {key: seen[key] for key in told} == told


def test_the_argument_specs_say_the_same_as_the_defaults(tmp_path: Path) -> None:
    specs = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    for entry in ("main", "remove"):
        options = specs[entry]["options"]
        assert {name: option["default"] for name, option in options.items()} == defaults
    assert set(planned(tmp_path, PINNED).variables) <= set(defaults)


def test_every_refusal_says_what_is_wrong_and_what_to_do() -> None:
    for demand in yaml.safe_load((ROLE / "vars/main.yml").read_text())["gpu_demands"]:
        assert demand["wrong"].strip().count(". ") == 1, demand["wrong"]
        assert demand["wrong"].strip().endswith("."), demand["wrong"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (KEY, ""),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nabc\n", "no armoured public key"),
        ("\xff\xfe", "no armoured public key"),
        (None, "there is no such file"),
    ],
)
def test_the_key_of_the_toolkit_is_read_beside_the_spec(
    tmp_path: Path, text: str | None, fault: str
) -> None:
    example = house.root() / "nodes"
    for name in ("demo-hospital-a.yaml", "demo.federation.json"):
        (tmp_path / name).write_bytes((example / name).read_bytes())
    spec = tmp_path / "demo-hospital-a.yaml"
    line = f"gpu: {{vendor: nvidia, toolkit: {json.dumps(TOOLKIT)}}}\n"
    spec.write_text(spec.read_text() + line)
    if text is not None:
        (tmp_path / "toolkit.asc").write_text(text, encoding="latin-1")
    if not fault:
        assert load(spec).toolkit_key == KEY
        return
    with pytest.raises(Exception, match=r"gpu\.toolkit\.key") as refused:
        load(spec)
    assert fault in str(refused.value)
