"""What the usual failures mean and what to do about them: one table, in the operator's words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cairn.ansible.job import Connection

#: A frame of a traceback.
_FRAME = re.compile(r'\s+File "[^"\n]+", line \d+')
#: Longer messages are cut here; the log has all of it.
LONGEST_MESSAGE = 600


@dataclass(frozen=True, slots=True)
class Reason:
    """A message for a person, and whether it is about reaching the host and root at all."""

    text: str
    unreachable: bool


class Way(Enum):
    """What a cause is about."""

    HOST = auto()
    """Reaching the host; only believed when Ansible could not reach it."""
    ROOT = auto()
    """Becoming root on it; nothing is done on the host without."""
    WORK = auto()
    """The work itself."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A known cause: how it shows in the words of Ansible, SSH, sudo or apt, and what to do."""

    way: Way
    shows: str
    words: str


_BROKEN = (
    "the connection to {place} broke during the run (a reboot, or the network); run the same "
    "command again once the host answers"
)
_KNOWN = (
    Cause(
        Way.HOST,
        "host key checking is enabled|host key verification failed"
        "|remote host identification has changed|no .* host key is known",
        "the host at {place} does not show the pinned host key; if it was reinstalled on purpose, "
        "pin its new key in the spec, if not, find out who answers at that address",
    ),
    Cause(
        Way.HOST,
        r"permission denied \(|ssh authentication is incorrect|ssh password was requested",
        "the host at {place} refuses the login of {user}; put the public half of {key} into that "
        "account's authorized_keys on the host",
    ),
    Cause(
        Way.HOST,
        "could not resolve hostname|name or service not known",
        "the name {address} has no address; correct it in the spec or in the DNS",
    ),
    Cause(
        Way.HOST,
        "connection refused|connection timed out|no route to host|network is unreachable"
        "|host is down|setup timeout|timed out.*connect|connection timeout",
        "the host does not answer at {place}; check that it is up, that its address is right and "
        "that its firewall lets SSH in from here",
    ),
    Cause(
        Way.ROOT,
        "sudo password is required|a password is required|missing sudo password"
        "|a terminal is required to (read|authenticate)",
        "sudo asks {user} for a password; name one in the machine's `become_password`, or allow "
        "that account sudo without a password",
    ),
    Cause(
        Way.ROOT,
        "sudo password is incorrect|incorrect sudo password|sorry, try again",
        "sudo refuses the password of {user}; correct what `become_password` refers to",
    ),
    Cause(
        Way.ROOT,
        "not in the sudoers file|may not run sudo|not allowed to (execute|run)",
        "sudo does not let {user} become root; add that account to the group sudo on the host",
    ),
    Cause(
        Way.WORK,
        "no space left on device|disk quota exceeded|don't have enough free space",
        "the disk of the host is full; free some space (`df -h` on the host shows where) and run "
        "the same command again",
    ),
    Cause(
        Way.WORK,
        "read-only file system",
        "a file system of the host is read-only; look for disk errors in `journalctl -k` there",
    ),
    Cause(
        Way.WORK,
        "failed to (update apt cache|fetch)|unable to fetch|temporary failure resolving"
        "|unable to connect to|could not connect to|could not resolve '",
        "the host cannot fetch packages from its Debian mirror; check the mirror, the proxy and "
        "the DNS of the spec, and that the mirror is up ({said})",
    ),
    Cause(
        Way.WORK,
        "could not get lock|unable to acquire the dpkg|dpkg frontend lock|apt.*is locked",
        "another package installation runs on the host; wait for its end and run the same command "
        "again",
    ),
    Cause(
        Way.ROOT,
        "python3: (command )?not found|/usr/bin/python3: no such file",
        "the host has no Python; run `apt-get install python3` on it",
    ),
    Cause(
        Way.HOST,
        "eof on stream|connection (closed|reset|lost)|broken pipe|context has disconnected"
        "|channelerror|closed by remote host|channel was disconnected|is shutting down",
        _BROKEN,
    ),
    Cause(
        # Mitogen does not call a host unreachable that it loses between two of its own messages.
        Way.WORK,
        "'nonetype' object has no attribute 'protocol'|mitogen was disconnected"
        r"|mitogen\.core\.(channel|stream)error",
        _BROKEN,
    ),
)


def explain(message: str, connection: Connection, *, unreachable: bool) -> Reason:
    """Return what a raw message of Ansible means; an unknown one is returned as it is, on one line.

    Args:
        message: What the module, SSH or sudo said.
        connection: How the host was to be reached, for the words of the message.
        unreachable: Whether Ansible itself took the host for unreachable.
    """
    said = one_line(message)
    words = {
        "place": f"{connection.address}:{connection.port}",
        "address": connection.address,
        "user": connection.user or "the account",
        "key": connection.key_file or "a key of the SSH agent",
        "said": said[:160],
    }
    for cause in _KNOWN:
        # A package mirror that refuses connections is no unreachable host.
        believed = unreachable or cause.way is not Way.HOST
        if believed and re.search(cause.shows, said, re.IGNORECASE):
            return Reason(cause.words.format(**words), cause.way is not Way.WORK)
    return Reason(said, unreachable)


def one_line(message: str) -> str:
    """Return a message without line breaks and of bounded length.

    A traceback of Python ends before its first frame; the log has the rest.
    """
    flat = " ".join(_FRAME.split(message, maxsplit=1)[0].split())
    return flat if len(flat) <= LONGEST_MESSAGE else flat[: LONGEST_MESSAGE - 1] + "…"
