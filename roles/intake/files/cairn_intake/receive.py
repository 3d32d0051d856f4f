"""The program `cairn-intake`: takes images of listed systems and keeps them until they can go on.

It decodes no image. What it confirms is on the disk; what it cannot keep it does not confirm.
"""

from __future__ import annotations

import argparse
import ipaddress
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from pynetdicom import AE, AllStoragePresentationContexts, _config, build_context, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined] # made at run time

from cairn_intake import service
from cairn_intake.admission import Caller, Rejection, judge
from cairn_intake.congestion import Congestion
from cairn_intake.service import LOG
from cairn_intake.settings import Settings, load
from cairn_intake.spool import Spool
from cairn_intake.transport import PDU_BYTES, Server, common_name, server_context

if TYPE_CHECKING:
    import ssl

    from pynetdicom.events import Event
    from pynetdicom.presentation import PresentationContext

SUCCESS: Final = 0x0000
#: Refused, out of resources: DICOM PS3.4 table B.2-1. The sender keeps the image.
OUT_OF_RESOURCES: Final = 0xA700
#: Everything an archive can pass on as it is; no big endian and nothing deflated.
SYNTAXES: Final = (
    "1.2.840.10008.1.2.1",  # Explicit VR Little Endian
    "1.2.840.10008.1.2",  # Implicit VR Little Endian
    "1.2.840.10008.1.2.4.50",  # JPEG Baseline
    "1.2.840.10008.1.2.4.51",  # JPEG Extended
    "1.2.840.10008.1.2.4.57",  # JPEG Lossless
    "1.2.840.10008.1.2.4.70",  # JPEG Lossless, first-order prediction
    "1.2.840.10008.1.2.4.80",  # JPEG-LS Lossless
    "1.2.840.10008.1.2.4.81",  # JPEG-LS Near-lossless
    "1.2.840.10008.1.2.4.90",  # JPEG 2000 Lossless
    "1.2.840.10008.1.2.4.91",  # JPEG 2000
    "1.2.840.10008.1.2.5",  # RLE Lossless
)


@dataclass(slots=True)
class Receiver:
    """Answers associations."""

    settings: Settings
    spool: Spool
    congestion: Congestion
    kept: Counter[int] = field(default_factory=Counter)

    def requested(self, event: Event) -> None:
        """Reject an association, or offer what its sender may do."""
        association = event.assoc
        connection = association.dul.socket.socket  # type: ignore[union-attr] # it is connected
        request = association.requestor.primitive
        caller = Caller(
            calling=(request.calling_ae_title or "").strip(),  # type: ignore[union-attr]
            called=(request.called_ae_title or "").strip(),  # type: ignore[union-attr]
            address=_plain(str(association.requestor.address)),
            encrypted=hasattr(connection, "getpeercert"),
            name=common_name(connection),
        )
        found, rejection, why = judge(self.settings, caller)
        congested = self.congestion.why()
        if found and congested:
            rejection, why = Rejection.CONGESTION, congested
        if found is None or rejection:
            LOG.warning("%s: association refused: %s", caller.address, why)
            association.acse.send_reject(*(rejection or Rejection.CALLING_UNKNOWN).value)
            association.kill()
            return
        association.acceptor.supported_contexts = _contexts(found.may)

    def store(self, event: Event) -> int:
        """Keep an image; the answer is sent after it is on the disk."""
        if self.congestion.why():
            return OUT_OF_RESOURCES
        try:
            self.spool.keep(Path(event.dataset_path), event.assoc.requestor.ae_title)
        except OSError as error:
            LOG.error("an image was not kept: %s", error.strerror)
            return OUT_OF_RESOURCES
        self.kept[id(event.assoc)] += 1
        return SUCCESS

    def ended(self, event: Event) -> None:
        """Say how many images an association brought."""
        count = self.kept.pop(id(event.assoc), 0)
        LOG.info("%s: association ended, %d kept", event.assoc.requestor.ae_title.strip(), count)

    def handlers(self) -> list[Any]:
        """Return what is called when."""
        return [
            (evt.EVT_REQUESTED, self.requested),
            (evt.EVT_C_STORE, self.store),
            (evt.EVT_C_ECHO, lambda _event: SUCCESS),
            (evt.EVT_RELEASED, self.ended),
            (evt.EVT_ABORTED, self.ended),
        ]


def _plain(address: str) -> str:
    """Return an address as the spec writes it: IPv4 that came through IPv6 is IPv4."""
    read = ipaddress.ip_address(address)
    mapped = read.ipv4_mapped if isinstance(read, ipaddress.IPv6Address) else None
    return str(mapped or read)


@cache
def _contexts(may: tuple[str, ...]) -> list[PresentationContext]:
    """Return what is offered to a sender: the objects and operations that it may use."""
    contexts: list[PresentationContext] = []
    if "store" in may:
        contexts += [
            build_context(str(one.abstract_syntax), list(SYNTAXES))
            for one in AllStoragePresentationContexts
        ]
    if "echo" in may:
        contexts.append(build_context(Verification))
    return contexts


def serve(settings: Settings, spool: Spool, tls: ssl.SSLContext | None) -> list[Server]:
    """Begin to listen; plain DICOM only if somebody is listed for it.

    Args:
        settings: What the spec decides.
        spool: Where images go.
        tls: Server side of TLS, None where nobody is listed for it.
    """
    _config.STORE_RECV_CHUNKED_DATASET = True
    _config.LOG_HANDLER_LEVEL = "none"
    tempfile.tempdir = str(spool.incoming)
    receiver = Receiver(settings, spool, Congestion(settings, spool))
    entity = AE()
    entity.supported_contexts = _contexts(("store", "echo"))
    entity.ae_title = settings.aet
    entity.maximum_associations = settings.associations
    entity.maximum_pdu_size = PDU_BYTES
    ports: list[tuple[int, ssl.SSLContext | None]] = [(settings.port, tls)] if tls else []
    ports += [(settings.plain_port, None)] if settings.plain_port else []
    servers = [
        cast(
            "Server",
            entity.make_server(
                (settings.address, port),
                ssl_context=context,
                evt_handlers=receiver.handlers(),
                server_class=Server,
            ),
        )
        for port, context in ports
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    return servers


def main() -> None:
    """Receive until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", type=Path)
    parser.add_argument("spool", type=Path)
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--clients", type=Path)
    chosen = parser.parse_args()
    stop = service.begin()
    settings, spool = load(chosen.settings), Spool(chosen.spool)
    swept = spool.sweep()
    clients = chosen.clients if settings.client_certificates else None
    tls = None
    if settings.port:
        key = service.credential("node.key")
        tls = server_context(chosen.certificate, key, clients, settings.tls_minimum)
    servers = serve(settings, spool, tls)
    service.notify("READY=1")
    LOG.info("ready; %d unfinished images of the last run were deleted", swept)
    stop.wait()
    for server in servers:
        server.shutdown()


if __name__ == "__main__":
    main()
