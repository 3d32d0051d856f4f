"""TLS and sockets of the receiver (BCP 195, DICOM PS3.15 B.12)."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any, Final, cast

from pynetdicom.transport import AssociationSocket, ThreadedAssociationServer

from cairn_intake.service import LOG

if TYPE_CHECKING:
    from pathlib import Path

#: Seconds that a client has for the handshake.
HANDSHAKE_S: Final = 10
_VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
#: Bytes of a PDU that senders may use; larger ones cost less of the processor.
PDU_BYTES: Final = 131_072
#: The longest PDU that is read: an association request may be longer than the data of one.
LONGEST_PDU: Final = 1_048_576
#: Forward secrecy and authenticated encryption only (BCP 195, RFC 9325 section 4.2).
CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"


def server_context(
    certificate: Path, key: Path, clients: Path | None, minimum: str
) -> ssl.SSLContext:
    """Return what the server side of TLS needs.

    Args:
        certificate: PEM file of the node's certificate.
        key: PEM file of its key.
        clients: PEM file of the authorities of clients; None if no certificate is asked for.
        minimum: `1.2` or `1.3`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[minimum]
    context.set_ciphers(CIPHERS)
    context.load_cert_chain(certificate, key)
    if clients:
        context.load_verify_locations(clients)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def common_name(connection: object) -> str | None:
    """Return the common name of the certificate that a client showed and that was verified."""
    if not isinstance(connection, ssl.SSLSocket):
        return None
    shown = connection.getpeercert() or {}
    # Each relative name is a tuple of pairs, RFC 5280 section 4.1.2.4.
    subject: Any = shown.get("subject", ())
    names = [value for relative in subject for kind, value in relative if kind == "commonName"]
    return str(names[0]) if len(names) == 1 else None


def receive(self: AssociationSocket, count: int) -> bytearray:
    """Read so many bytes from a sender, in place of pynetdicom's reading by 4,096.

    The kernel is asked to acknowledge at once: senders hold the end of an image back until what was
    before it is acknowledged, which can cost 40 ms an image.

    Args:
        self: A socket of pynetdicom.
        count: How many.

    Returns:
        They, or fewer where the sender closed the connection.

    Raises:
        OSError: It wants to send more at a time than was agreed on.
    """
    if count > LONGEST_PDU:
        raise OSError("a PDU is longer than agreed on")
    connection = cast("socket.socket", self.socket)
    buffer = bytearray(count)
    view, got = memoryview(buffer), 0
    while got < count:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        read = connection.recv_into(view[got:])
        if not read:
            view.release()
            return buffer[:got]
        got += read
    return buffer


AssociationSocket.recv = receive  # type: ignore[method-assign,assignment]


class Server(ThreadedAssociationServer):
    """Accepts connections; a client that does not finish its handshake holds nobody else up."""

    request_queue_size = 64
    daemon_threads = True

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a connection; TLS begins in its own thread."""
        listening = cast("socket.socket", self.socket)
        accepted, address = listening.accept()
        accepted.settimeout(HANDSHAKE_S)
        # Answers are small and awaited; waiting to fill a packet costs 40 ms an image.
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.ssl_context:
            accepted = self.ssl_context.wrap_socket(
                accepted, server_side=True, do_handshake_on_connect=False
            )
        return accepted, address

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Finish the handshake, then serve the association."""
        try:
            if isinstance(request, ssl.SSLSocket):
                request.do_handshake()
            request.settimeout(self.ae.network_timeout)
        except OSError as error:
            why = getattr(error, "verify_message", "") or type(error).__name__
            LOG.warning("%s: refused, no TLS: %s", client_address[0], why)
            self.shutdown_request(request)
            return
        super().process_request_thread(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002
        """Say where something went wrong, and nothing of what was sent."""
        LOG.error("%s: the connection broke", client_address[0])
