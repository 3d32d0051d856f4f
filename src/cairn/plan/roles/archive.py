"""The archive of a host: Orthanc over PostgreSQL, behind a gate that asks for certificates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cairn.plan.model import Account, Flow, Listener, PlannedFile, PlannedRole, Secret, Service
from cairn.plan.roles import certificate, freeze, postgresql
from cairn.spec.node import DataProviderNode
from cairn.spec.services import Search

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.plan.context import Context
    from cairn.spec.imaging import Consumer, Modality, Pacs

ROLE: Final = "archive"
ORTHANC: Final = "orthanc.service"
GATE: Final = "cairn-gate.service"
REST_PORT: Final = 8042
DICOM_PORT: Final = 4243
GATE_PORT: Final = 8443
FOLDER: Final = "/etc/cairn/archive"
#: Password of the intake's user, made on the host; root's, handed on by systemd's LoadCredential=.
INTAKE_PASSWORD: Final = f"{FOLDER}/intake.password"
PLUGINS: Final = (
    "/usr/share/orthanc/plugins/libOrthancPostgreSQLIndex.so",
    "/usr/share/orthanc/plugins/libOrthancDicomWeb.so",
)
PACKAGES: Final = ("nginx", "orthanc", "orthanc-dicomweb", "orthanc-postgresql")
FILES: Final = (
    "/etc/orthanc/orthanc.json",
    "/etc/orthanc/who-may-what.lua",
    f"{FOLDER}/nginx.conf",
    f"{FOLDER}/openssl.cnf",
    f"{certificate.RELOAD}/archive",
    f"/etc/systemd/system/{GATE}",
    "/etc/systemd/system/cairn-gate-update.path",
    "/etc/systemd/system/cairn-gate-update.service",
    "/etc/systemd/system/cairn-dictionary.service",
    "/etc/systemd/system/cairn-dictionary.timer",
    f"/etc/systemd/system/{ORTHANC}.d/cairn.conf",
)
#: Orthanc's users with what each may do: method and path as a Lua pattern.
USERS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    # An image that is there already is compared with the one that came.
    "intake": (
        ("POST", "^/instances$"),
        ("GET", "^/instances/[%x-]+/attachments/dicom/md5$"),
    ),
    "freeze": freeze.MAY_IN_ARCHIVE,
    "dictionary": (("POST", "^/tools/find$"),),
    "verify": (("GET", "^/system$"), ("GET", "^/statistics$")),
}
READ: Final = (
    ("GET", "^/dicom%-web/studies"),
    ("GET", "^/dicom%-web/series"),
    ("GET", "^/dicom%-web/instances"),
)
STORE: Final = (("POST", "^/dicom%-web/studies"),)
#: What Orthanc calls the lowest version of TLS (its key DicomTlsMinimumProtocolVersion).
TLS: Final = {"1.2": 4, "1.3": 5}


def plan(context: Context) -> PlannedRole:
    """Plan the archive of one host."""
    pacs = _pacs(context)
    peers = _peers(pacs)
    return PlannedRole(
        name=ROLE,
        variables={
            "archive_volume": context.volume,
            "archive_users": list(users(context)),
            "archive_consumers": [one.name for one in _consumers(context, pacs)],
            "archive_database": postgresql.unit(context),
        },
        settings=_settings(context, pacs, peers),
        files=tuple(PlannedFile(path, f"{ROLE}{path}.j2") for path in FILES),
        packages=PACKAGES,
        services=(
            *(Service(unit, confined=True) for unit in (ORTHANC, GATE)),
            Service("cairn-gate-update.path"),
            Service("cairn-dictionary.timer"),
            Service("cairn-dictionary.service", active=False, confined=True),
        ),
        secrets=tuple(Secret(f"{FOLDER}/{name}.password") for name in users(context)),
        accounts=(
            Account("orthanc", "keeps the images", login=False),
            Account("cairn-gate", "asks for certificates in front of the archive", login=False),
        ),
        listeners=tuple(_listeners(peers)),
        flows=tuple(_flows(pacs, peers)),
        without=tuple(_without(pacs)),
    )


def users(context: Context) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return Orthanc's users with what each may do."""
    consumers = _consumers(context, _pacs(context))
    return {**USERS, **{f"web-{one.name}": _verbs(one.may) for one in consumers}}


def _verbs(may: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return (*(READ if "read" in may else ()), *(STORE if "store" in may else ()))


def _pacs(context: Context) -> Pacs:
    spec = context.spec
    if not isinstance(spec, DataProviderNode) or spec.pacs is None:
        raise TypeError("the archive is planned for nodes that declare `pacs` only")
    return spec.pacs


def _consumers(context: Context, pacs: Pacs) -> tuple[Consumer, ...]:
    """Return who reads over DICOMweb; the agent of the same host reads too."""
    from cairn.spec.imaging import Consumer  # noqa: PLC0415 - made here only

    if certificate.AGENT not in context.host.runs:
        return pacs.consumers
    return (*pacs.consumers, Consumer(name=certificate.AGENT, networks=("127.0.0.0/8",)))


def _peers(pacs: Pacs) -> tuple[Modality, ...]:
    """Return who may search or fetch over DICOM; on the archive that takes TLS."""
    return tuple(one for one in pacs.accepts if {"find", "move"} & {*one.may} and not one.plain)


def _without(pacs: Pacs) -> Iterator[str]:
    for one in pacs.accepts:
        if one.plain and {"find", "move"} & {*one.may}:
            yield f"searches by {one.aet}: it speaks plain DICOM, and the archive answers TLS only"


def _listeners(peers: tuple[Modality, ...]) -> Iterator[Listener]:
    # Before 1.12.8 Orthanc cannot bind its REST interface to one address; it refuses all others.
    yield Listener("*", REST_PORT, "tcp", "Orthanc", inward=True)
    yield Listener("*", GATE_PORT, "tcp", "nginx")
    if peers:
        yield Listener("*", DICOM_PORT, "tcp", "Orthanc")


def _flows(pacs: Pacs, peers: tuple[Modality, ...]) -> Iterator[Flow]:
    tls = pacs.tls.minimum
    for consumer in pacs.consumers:
        why = f"{consumer.name} reads the archive over DICOMweb, with its certificate."
        for number, network in enumerate(consumer.networks, 1):
            name = f"archive-web-{consumer.name}-{number}"
            yield Flow(name, "in", network, "tcp", GATE_PORT, why, ROLE, tls=tls)
    if not pacs.consumers:
        why = "Nobody is declared yet; the gate answers the host itself alone."
        yield Flow("archive-web", "in", "127.0.0.1", "tcp", GATE_PORT, why, ROLE, tls=tls)
    for number, peer in enumerate(peers, 1):
        why = f"{peer.aet} searches and fetches images of the archive over DICOM."
        name = f"archive-dicom-{number}"
        yield Flow(name, "in", peer.address, "tcp", DICOM_PORT, why, ROLE, tls=tls)
        if "move" in peer.may:
            why = f"{peer.aet} has images sent to itself (C-MOVE)."
            name, to = f"archive-move-{number}", peer.address
            yield Flow(name, "out", to, "tcp", peer.port, why, ROLE, tls=tls, user="orthanc")


def _settings(context: Context, pacs: Pacs, peers: tuple[Modality, ...]) -> dict[str, Any]:
    return {
        "orthanc": json.dumps(_orthanc(context, pacs, peers), indent=2),
        "users": users(context),
        "consumers": [one.model_dump(mode="json") for one in _consumers(context, pacs)],
        "database": postgresql.unit(context),
        "volume": context.volume,
        "images": f"{context.volume}/archive",
        "tls_versions": "TLSv1.3" if pacs.tls.minimum == "1.3" else "TLSv1.2 TLSv1.3",
        "tls_minimum": pacs.tls.minimum,
        "listens": "[::]:8443" if ":" in context.place.address else "8443",
        "rest_port": REST_PORT,
        "certificate": certificate.CERTIFICATE,
        "key": certificate.KEY,
        "dicom_key": certificate.DICOM_KEY,
        "clients": certificate.CLIENTS,
        "cores": pacs.cores,
        "memory_mib": pacs.memory // 2**20,
        "peers": [one.address for one in peers],
        **_counting(context),
    }


def _counting(context: Context) -> dict[str, int]:
    """Return the smallest count that is told, and what counts are rounded to."""
    spec = context.spec
    search = spec.search if isinstance(spec, DataProviderNode) else Search()
    return {"smallest": search.minimum_cohort, "round_to": search.round_to}


def _orthanc(context: Context, pacs: Pacs, peers: tuple[Modality, ...]) -> dict[str, Any]:
    """Return Orthanc's settings by what they are for; its users are made on the host."""
    return {
        **_keeping(context, pacs),
        **_rest(),
        **_dicom(pacs, peers),
        "Plugins": PLUGINS,
        "PostgreSQL": {
            "EnableIndex": True,
            "EnableStorage": False,
            "Host": postgresql.SOCKETS,
            "Port": 5432,
            "Database": "orthanc",
            "Username": "orthanc",
            "Password": "",
            "EnableSsl": False,
            "Lock": False,
            "IndexConnectionsCount": 8,
            "MaximumConnectionRetries": 60,
            "ConnectionRetryInterval": 2,
        },
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": False, "Ssl": True},
    }


def _keeping(context: Context, pacs: Pacs) -> dict[str, Any]:
    images = f"{context.volume}/archive"
    return {
        "Name": f"{context.spec.name} {context.host.name}",
        "StorageDirectory": images,
        "IndexDirectory": images,
        "StorageCompression": pacs.compress,
        "StoreMD5ForAttachments": True,
        "SyncStorageArea": True,
        "OverwriteInstances": False,
        "SaveJobs": False,
        "DeidentifyLogs": True,
        "ExtraMainDicomTags": {"Study": ["PatientAge"]},
    }


def _rest() -> dict[str, Any]:
    return {
        "HttpServerEnabled": True,
        "HttpPort": REST_PORT,
        "HttpBindAddresses": ["127.0.0.1"],
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "HttpDescribeErrors": False,
        "KeepAlive": True,
        "WebDavEnabled": False,
        "ExecuteLuaEnabled": False,
        "RestApiWriteToFileSystemEnabled": False,
        "LuaScripts": ["/etc/orthanc/who-may-what.lua"],
    }


def _dicom(pacs: Pacs, peers: tuple[Modality, ...]) -> dict[str, Any]:
    allowed = ("Echo", "Store", "Find", "FindWorklist", "Get", "Move")
    return {
        "DicomServerEnabled": bool(peers),
        "DicomAet": pacs.archive_aet,
        "DicomPort": DICOM_PORT,
        "DicomCheckCalledAet": True,
        "DicomCheckModalityHost": True,
        **{f"DicomAlwaysAllow{verb}": False for verb in allowed},
        "UnknownSopClassAccepted": False,
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": certificate.DICOM_CERTIFICATE,
        "DicomTlsPrivateKey": f"/run/credentials/{ORTHANC}/dicom.key",
        "DicomTlsTrustedCertificates": certificate.CLIENTS,
        "DicomTlsRemoteCertificateRequired": pacs.tls.client_certificates,
        "DicomTlsMinimumProtocolVersion": TLS[pacs.tls.minimum],
        "DicomModalities": {
            f"peer-{number}": {
                "AET": peer.aet,
                "Host": peer.address,
                "Port": peer.port,
                "UseDicomTls": True,
                "AllowEcho": "echo" in peer.may,
                "AllowStore": False,
                "AllowFind": "find" in peer.may,
                "AllowGet": False,
                "AllowMove": "move" in peer.may,
            }
            for number, peer in enumerate(peers, 1)
        },
    }
