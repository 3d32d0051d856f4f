"""The intake of a host: what modalities send to, and what takes the patient out of their images."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

from cairn.artefacts.lock import locked
from cairn.plan.model import Account, Flow, Listener, PlannedFile, PlannedRole, Secret, Service
from cairn.plan.roles.certificate import CLIENTS, DICOM_CERTIFICATE, DICOM_KEY, RELOAD
from cairn.spec.node import DataProviderNode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.plan.context import Context
    from cairn.spec.imaging import BlankRule, Modality, Pacs

ROLE: Final = "intake"
#: Receives from the network; cannot read the key.
RECEIVER: Final = "cairn-intake"
#: Holds the key; reaches nothing but the loopback.
DEIDENTIFIER: Final = "cairn-deidentify"
#: Assigned to DICOM and to DICOM over TLS by IANA are 11112 and 2762; modalities know the first.
PORT: Final = 11112
PLAIN_PORT: Final = 11113

SETTINGS: Final = "/etc/cairn/intake.toml"
SPOOL: Final = "/var/lib/cairn-intake"
KEY_FILE: Final = "/etc/cairn/intake/pseudonym.key"
PASSWORD: Final = "/etc/cairn/archive/intake.password"  # noqa: S105 - the place of one
PROGRAM: Final = "/usr/local/lib/cairn/intake"
ARCHIVE: Final = "http://127.0.0.1:8042"
UNITS: Final = (f"{RECEIVER}.service", f"{DEIDENTIFIER}.service")
FILES: Final = (
    SETTINGS,
    f"{RELOAD}/{ROLE}",
    *(f"/etc/systemd/system/{unit}" for unit in UNITS),
)

#: Edition of the standard whose table is applied.
STANDARD: Final = "2026c"
#: Most that may wait for the archive, and the space that is left free for everything else.
SPOOL_MIB: Final = 16_384
FREE_MIB: Final = 2_048
#: How long the archive may be away before modalities are told to keep their images.
WAITS_MINUTES: Final = 240
ASSOCIATIONS: Final = 16


def plan(context: Context) -> PlannedRole:
    """Plan the intake of one host."""
    pacs = _pacs(context)
    wheels = (locked("pydicom"), locked("pynetdicom"))
    folders = [f"{PROGRAM}/{one.name}-{one.version}-{one.sha256[:12]}" for one in wheels]
    return PlannedRole(
        name=ROLE,
        variables={
            "intake_wheels": [
                {"path": one.path, "folder": folder}
                for one, folder in zip(wheels, folders, strict=True)
            ],
            "intake_ports": [listener.port for listener in _listeners(pacs)],
        },
        settings=_settings(pacs, folders),
        files=tuple(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
        packages=("python3",),
        services=tuple(Service(unit, confined=True) for unit in UNITS),
        secrets=(Secret(KEY_FILE),),
        accounts=(
            Account(RECEIVER, "receives images", login=False),
            Account(DEIDENTIFIER, "takes the patient out of images, holds the key", login=False),
        ),
        listeners=tuple(_listeners(pacs)),
        flows=tuple(_flows(pacs)),
        artefacts=wheels,
        promises=tuple(_promises(pacs)),
    )


def _pacs(context: Context) -> Pacs:
    spec = context.spec
    if not isinstance(spec, DataProviderNode) or spec.pacs is None:
        raise ValueError(f"{spec.name} runs `pacs` and declares no `pacs`")
    return spec.pacs


def senders(pacs: Pacs) -> list[Modality]:
    """Return who may send or ask; who may only search or fetch speaks to the archive."""
    return [one for one in pacs.accepts if {"store", "echo"} & set(one.may)]


def _settings(pacs: Pacs, folders: list[str]) -> dict[str, Any]:
    listed = senders(pacs)
    wide = any(ipaddress.ip_address(one.address).version == 6 for one in listed)  # noqa: PLR2004
    deidentify = pacs.deidentify
    return {
        "aet": pacs.aet,
        "address": "::" if wide else "0.0.0.0",  # noqa: S104 - the firewall names who gets here
        "port": PORT if not all(one.plain for one in listed) else 0,
        "plain_port": PLAIN_PORT if any(one.plain for one in listed) else 0,
        "tls": pacs.tls.model_dump(mode="json"),
        "archive": ARCHIVE,
        "spool_mib": SPOOL_MIB,
        "free_mib": FREE_MIB,
        "waits_minutes": WAITS_MINUTES,
        "associations": ASSOCIATIONS,
        "options": sorted(deidentify.options),
        "modalities": [
            {**one.model_dump(include={"aet", "address", "plain"}), "may": _may(one)}
            for one in listed
        ],
        "private": [_private(one.model_dump()) for one in deidentify.private],
        "blank": [_blank(rule) for rule in deidentify.blank],
        "cores": pacs.cores,
        "memory": int(pacs.memory),
        "python_path": ":".join([PROGRAM, *folders]),
        "spool": SPOOL,
        "key": KEY_FILE,
        "password": PASSWORD,
        "node_key": DICOM_KEY,
        "certificate": DICOM_CERTIFICATE,
        "clients": CLIENTS,
    }


def _may(modality: Modality) -> list[str]:
    return [operation for operation in modality.may if operation in {"store", "echo"}]


def _private(raw: dict[str, str]) -> dict[str, Any]:
    group, element = int(raw["group"], 16), int(raw["element"], 16)
    return {"creator": raw["creator"], "group": group, "element": element}


def _blank(rule: BlankRule) -> dict[str, Any]:
    corners = [one.replace(" ", ",").replace("x", ",").split(",") for one in rule.rectangles]
    return {**rule.model_dump(), "rectangles": [[int(part) for part in one] for one in corners]}


def _promises(pacs: Pacs) -> Iterator[tuple[str, str]]:
    """Yield the profile in force, in words for somebody who answers for patients' data."""
    deidentify = pacs.deidentify
    options = ", ".join(sorted(deidentify.options)) or "no option"
    yield "de-identified", f"DICOM PS3.15 {STANDARD} Basic Profile with {options}"
    yield "pseudonyms", "keyed; the key is made on the host and leaves it never"
    for one in deidentify.private:
        yield "kept", f"private attribute ({one.group},xx{one.element}) of {one.creator}"
    for rule in deidentify.blank:
        device = f"{rule.modality} {rule.manufacturer} {rule.model}"
        yield "blanked", f"{len(rule.rectangles)} rectangles in images of {device}"
    yield (
        "held back",
        "images that may show text and have no rule, reports, whatever cannot be read",
    )


def _listeners(pacs: Pacs) -> Iterator[Listener]:
    listed = senders(pacs)
    if not all(one.plain for one in listed):
        yield Listener("*", PORT, "tcp", "python3")
    if any(one.plain for one in listed):
        yield Listener("*", PLAIN_PORT, "tcp", "python3")


def _flows(pacs: Pacs) -> Iterator[Flow]:
    for number, one in enumerate(senders(pacs), 1):
        way = "without TLS, which it cannot speak" if one.plain else "over TLS"
        yield Flow(
            name=f"dicom-{number}",
            direction="in",
            peer=one.address,
            protocol="tcp",
            port=PLAIN_PORT if one.plain else PORT,
            why=f"{one.aet} sends images to be de-identified, {way}.",
            role=ROLE,
            tls=None if one.plain else pacs.tls.minimum,
        )
