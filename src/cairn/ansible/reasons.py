"""What the usual failures mean and what to do about them: one table, in the operator's words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cairn.ansible.job import Connection

#: Longer messages are cut here; the log has all of it.
LONGEST_MESSAGE = 600


@dataclass(frozen=True, slots=True)
class Reason:
    """A message for a person, and whether it is about reaching the host at all."""

    text: str
    unreachable: bool


# (pattern in what Ansible, SSH, sudo or apt says, whether it is about the way to the host, words)
_KNOWN: tuple[tuple[str, bool, str], ...] = (
    (
        (
            r"host key checking is enabled|host key verification failed"
            r"|remote host identification has changed|no .* host key is known"
        ),
        True,
        (
            "the host at {place} does not show the pinned host key; if it was reinstalled on purpose, "
            "pin its new key in the spec, if not, find out who answers at that address"
        ),
    ),
    (
        r"permission denied \(|ssh authentication is incorrect|ssh password was requested",
        True,
        (
            "the host at {place} refuses the login of {user}; put the public half of {key} into that "
            "account's authorized_keys on the host"
        ),
    ),
    (
        r"could not resolve hostname|name or service not known",
        True,
        "the name {address} has no address; correct it in the spec or in the DNS",
    ),
    (
        (
            r"connection refused|connection timed out|no route to host|network is unreachable"
            r"|host is down|setup timeout|timed out.*connect|connection timeout"
        ),
        True,
        (
            "the host does not answer at {place}; check that it is up, that its address is right and "
            "that its firewall lets SSH in from here"
        ),
    ),
    (
        (
            r"sudo password is required|a password is required|missing sudo password"
            r"|a terminal is required to (read|authenticate)"
        ),
        False,
        (
            "sudo asks {user} for a password; name one in the machine's `become_password`, or allow "
            "that account sudo without a password"
        ),
    ),
    (
        r"sudo password is incorrect|incorrect sudo password|sorry, try again",
        False,
        "sudo refuses the password of {user}; correct what `become_password` refers to",
    ),
    (
        r"not in the sudoers file|may not run sudo|not allowed to (execute|run)",
        False,
        "sudo does not let {user} become root; add that account to the group sudo on the host",
    ),
    (
        r"no space left on device|disk quota exceeded|don't have enough free space",
        False,
        (
            "the disk of the host is full; free some space (`df -h` on the host shows where) and run "
            "the same command again"
        ),
    ),
    (
        r"read-only file system",
        False,
        "a file system of the host is read-only; look for disk errors in `journalctl -k` there",
    ),
    (
        (
            r"failed to (update apt cache|fetch)|unable to fetch|temporary failure resolving"
            r"|unable to connect to|could not connect to|could not resolve '"
        ),
        False,
        (
            "the host cannot fetch packages from its Debian mirror; check the mirror, the proxy and "
            "the DNS of the spec, and that the mirror is up ({said})"
        ),
    ),
    (
        r"could not get lock|unable to acquire the dpkg|dpkg frontend lock|apt.*is locked",
        False,
        (
            "another package installation runs on the host; wait for its end and run the same command "
            "again"
        ),
    ),
    (
        r"python3: (command )?not found|/usr/bin/python3: no such file",
        False,
        "the host has no Python; run `apt-get install python3` on it",
    ),
    (
        (
            r"eof on stream|connection (closed|reset|lost)|broken pipe|context has disconnected"
            r"|channelerror|closed by remote host|channel was disconnected|is shutting down"
        ),
        True,
        (
            "the connection to {place} broke during the run (a reboot, or the network); run the same "
            "command again once the host answers"
        ),
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
    for pattern, about_the_way, text in _KNOWN:
        # A package mirror that refuses connections is no unreachable host.
        if re.search(pattern, said, re.IGNORECASE) and (unreachable or not about_the_way):
            return Reason(text.format(**words), about_the_way)
    return Reason(said, unreachable)


def one_line(message: str) -> str:
    """Return a message without line breaks and of bounded length."""
    flat = " ".join(message.split())
    return flat if len(flat) <= LONGEST_MESSAGE else flat[: LONGEST_MESSAGE - 1] + "…"
