"""What both programs are to systemd: ready when they say so, stopped when told, and discreet.

Libraries quote the values they warn of, and their debug logs hold whole images. So nothing of
theirs is logged, and every line of ours is made of words of this package.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import warnings
from pathlib import Path
from typing import Final

LOG: Final = logging.getLogger("cairn_intake")


def begin() -> threading.Event:
    """Set up log and signals; return what is set when the program is told to stop."""
    warnings.simplefilter("ignore")
    logging.raiseExceptions = False
    for name in ("pydicom", "pynetdicom"):
        logging.getLogger(name).disabled = True
        logging.getLogger(name).propagate = False
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    logging.getLogger().setLevel(logging.CRITICAL)
    LOG.setLevel(logging.INFO)
    # An exception's message may quote the image that it stumbled over; its kind does not.
    sys.excepthook = _say_kind
    threading.excepthook = lambda fact: _say_kind(fact.exc_type, fact.exc_value, None)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop


def _say_kind(kind: type[BaseException], value: object, trace: object) -> None:  # noqa: ARG001
    LOG.critical("ended by %s; the log holds no more, because its words may name a patient",
                 kind.__name__)  # fmt: skip


def credential(name: str) -> Path:
    """Return the file of a secret that systemd hands over (LoadCredential= of systemd.exec(5))."""
    return Path(os.environ["CREDENTIALS_DIRECTORY"]) / name


def notify(state: str) -> None:
    """Tell systemd something (sd_notify(3)); nobody is told outside of a unit."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telling:
        telling.connect(address.replace("@", "\0", 1) if address[0] == "@" else address)
        telling.sendall(state.encode())
