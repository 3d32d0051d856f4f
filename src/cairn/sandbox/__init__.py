"""Throw-away Debian hosts on this computer: real systemd, real SSH, their own address, no trace."""

from cairn.sandbox.commands import PACKAGES
from cairn.sandbox.housekeeping import delete_data, prepare, remove_all, remove_orphans
from cairn.sandbox.lifecycle import (
    Connection,
    Running,
    find,
    hosts,
    remove,
    restart,
    start,
    stop,
)
from cairn.sandbox.records import HostRecord, Way
from cairn.sandbox.reservations import Reservation, reserve

__all__ = [
    "PACKAGES",
    "Connection",
    "HostRecord",
    "Reservation",
    "Running",
    "Way",
    "delete_data",
    "find",
    "hosts",
    "prepare",
    "remove",
    "remove_all",
    "remove_orphans",
    "reserve",
    "restart",
    "start",
    "stop",
]
