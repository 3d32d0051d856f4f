"""The ground floor of a host: accounts, SSH, packages, updates, clock, journal, hardening."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from cairn.plan import ways
from cairn.plan.model import (
    ANYWHERE,
    RESOLVERS,
    Account,
    Flow,
    Listener,
    PlannedFile,
    PlannedRole,
    Service,
)
from cairn.spec.hosts import ExistingMachine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.plan.context import Context

ROLE: Final = "base"
RELEASES: Final = {"debian-13": "trixie", "debian-12": "bookworm"}

#: Post-quantum first; what OpenSSH 10.0 (Debian 13) and 9.2 (Debian 12) offer of it.
KEY_EXCHANGES: Final = {
    "debian-13": ("mlkem768x25519-sha256", "sntrup761x25519-sha512@openssh.com"),
    "debian-12": ("sntrup761x25519-sha512@openssh.com",),
}
CLASSIC_KEY_EXCHANGES: Final = (
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group16-sha512",
)
#: `non-free-firmware` carries the microcode of processors.
COMPONENTS: Final = ("main", "non-free-firmware")

PACKAGES: Final = (
    "ca-certificates",
    "openssh-server",
    "python3-apt",
    "sudo",
    "unattended-upgrades",
)
SERVICES: Final = (
    "ssh.service",
    "unattended-upgrades.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
)
FILES: Final = (
    "/etc/apt/apt.conf.d/90cairn",
    "/etc/apt/sources.list.d/cairn.sources",
    "/etc/issue",
    "/etc/issue.net",
    "/etc/security/limits.d/90-cairn.conf",
    "/etc/ssh/sshd_config.d/10-cairn.conf",
    "/etc/systemd/coredump.conf.d/90-cairn.conf",
    "/etc/systemd/journald.conf.d/90-cairn.conf",
    "/etc/systemd/system.conf.d/90-cairn.conf",
)
#: What each capability of the machine adds: packages, units, files.
CAPABLE: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]] = {
    "kernel": ((), (), ("/etc/modprobe.d/cairn.conf", "/etc/sysctl.d/90-cairn.conf")),
    "clock": (("chrony",), ("chrony.service",), ("/etc/chrony/chrony.conf",)),
    "audit": (
        ("auditd",),
        ("auditd.service",),
        (
            "/etc/audit/auditd.conf",
            "/etc/audit/rules.d/10-cairn.rules",
            "/etc/audit/rules.d/99-cairn-lock.rules",
            "/etc/tmpfiles.d/cairn-audit.conf",
        ),
    ),
    "apparmor": (("apparmor",), ("apparmor.service",), ()),
}
LACKING: Final = {
    "kernel": "kernel parameters and module hardening: the kernel belongs to the computer below",
    "clock": "time synchronisation: the clock belongs to the computer below",
    "audit": "the audit daemon: the kernel's audit log belongs to the computer below",
    "apparmor": "AppArmor: the kernel's profiles belong to the computer below",
}


def plan(context: Context) -> PlannedRole:
    """Plan the ground floor of one host."""
    able = context.host.capabilities
    extra = [CAPABLE[capability] for capability in CAPABLE if capability in able]
    packages = sorted({*PACKAGES, *(package for adds in extra for package in adds[0])})
    services = (*SERVICES, *(unit for adds in extra for unit in adds[1]))
    return PlannedRole(
        name=ROLE,
        variables=_variables(context, packages, services),
        settings=_settings(context),
        files=tuple(_files(context, (*FILES, *(path for adds in extra for path in adds[2])))),
        packages=tuple(packages),
        services=tuple(Service(unit) for unit in services),
        accounts=tuple(_accounts(context)),
        listeners=(Listener("*", _ssh_port(context), "tcp", "sshd"),),
        flows=tuple(_flows(context)),
        without=tuple(why for capability, why in LACKING.items() if capability not in able),
    )


def _variables(context: Context, packages: list[str], services: tuple[str, ...]) -> dict[str, Any]:
    return {
        "base_os": context.host.os,
        "base_capabilities": list(context.host.capabilities),
        "base_packages": packages,
        "base_services": list(services),
        "base_operator": context.place.user,
        "base_administrators": _administrators(context),
        "base_package_indexes": _indexes(context),
        "base_name_servers": list(context.spec.network.dns),
    }


def _indexes(context: Context) -> list[dict[str, str]]:
    """Return the signed index of each mirror and the proxy on the way to it."""
    release = RELEASES[context.host.os]
    suites = dict(zip(_mirrors(context), (release, f"{release}-security"), strict=True))
    return [
        {"url": f"{mirror.rstrip('/')}/dists/{suite}/InRelease", "proxy": _way(context, mirror)}
        for mirror, suite in suites.items()
    ]


def _settings(context: Context) -> dict[str, Any]:
    spec = context.spec
    administrators = _administrators(context)
    return {
        "institution": spec.site.institution,
        "incidents_to": spec.site.contacts.security,
        "logins": [context.place.user, *administrators],
        "administrators": administrators,
        "key_exchanges": [*KEY_EXCHANGES[context.host.os], *CLASSIC_KEY_EXCHANGES],
        "release": RELEASES[context.host.os],
        "mirrors": [_mirror(context, url) for url in _mirrors(context)],
        "components": COMPONENTS,
        "reboots_itself": str(context.host.reboots_itself).lower(),
        "time_servers": spec.network.ntp,
        "journal_mib": spec.logging.at_most_size // 2**20,
        "journal_days": spec.logging.at_most_days,
    }


def _administrators(context: Context) -> list[str]:
    """Return the login names of people; whoever Cairn logs in as keeps the account as it is."""
    return [one.name for one in context.spec.administrators if one.name != context.place.user]


def _mirrors(context: Context) -> tuple[str, str]:
    network = context.spec.network
    return network.debian_mirror, network.debian_security_mirror


def _mirror(context: Context, url: str) -> dict[str, str]:
    """Return what the apt templates say of a mirror; `proxy` is empty for a direct way."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return {"url": url, "scheme": parts.scheme, "host": host, "proxy": _way(context, url)}


def _way(context: Context, mirror: str) -> str:
    """Return the proxy on the way to a mirror: a sandbox's cache, the site's proxy, or none."""
    network, parts = context.spec.network, urlsplit(mirror)
    if parts.scheme == "http" and context.place.package_cache:
        return context.place.package_cache
    return ways.proxy_to(network, parts.hostname or "")


def _files(context: Context, paths: tuple[str, ...]) -> Iterator[PlannedFile]:
    for path in paths:
        yield PlannedFile(path, f"{ROLE}{path}.j2")
    yield PlannedFile("/etc/sudoers.d/cairn", f"{ROLE}/etc/sudoers.d/cairn.j2", mode="0440")
    for one in context.spec.administrators:
        if one.name != context.place.user:
            yield PlannedFile(
                f"/etc/ssh/cairn-keys.d/{one.name}",
                f"{ROLE}/etc/ssh/cairn-keys.d/administrator.j2",
                settings={"keys": one.keys},
            )


def _accounts(context: Context) -> Iterator[Account]:
    machine = context.host.machine
    asks = isinstance(machine, ExistingMachine) and machine.become_password is not None
    yield Account(
        context.place.user,
        "what Cairn logs in as",
        login=True,
        sudo="with password" if asks else "without password",
    )
    for one in context.spec.administrators:
        if one.name != context.place.user:
            yield Account(
                one.name, "administrator", login=True, sudo="with password", keys=one.keys
            )


def _ssh_port(context: Context) -> int:
    machine = context.host.machine
    return machine.port if isinstance(machine, ExistingMachine) else 22


def _flows(context: Context) -> Iterator[Flow]:
    yield from _ways_in(context)
    yield from _name_flows(context)
    yield from _package_flows(context)
    if "clock" in context.host.capabilities:
        for number, server in enumerate(context.spec.network.ntp, 1):
            why = "Logs and certificates need the right time."
            yield Flow(f"time-{number}", "out", server, "udp", 123, why, ROLE)


def _ways_in(context: Context) -> Iterator[Flow]:
    port = _ssh_port(context)
    gateway = context.place.gateway
    if gateway:
        why = "The computer that runs this sandbox host logs in over SSH."
        yield Flow("ssh-computer", "in", gateway, "tcp", port, why, ROLE)
    why = "Administrators and Cairn itself log in over SSH, by key."
    declared = context.spec.network.operators_from
    for number, peer in enumerate(declared or (() if gateway else (ANYWHERE,)), 1):
        yield Flow(f"ssh-{number}", "in", peer, "tcp", port, why, ROLE)


def _name_flows(context: Context) -> Iterator[Flow]:
    why = "Names of declared destinations are resolved."
    for number, peer in enumerate(context.spec.network.dns or (RESOLVERS,), 1):
        yield Flow(f"dns-{number}-udp", "out", peer, "udp", 53, why, ROLE)
        yield Flow(f"dns-{number}-tcp", "out", peer, "tcp", 53, why, ROLE)


def _package_flows(context: Context) -> Iterator[Flow]:
    """Yield one way out for each proxy or mirror that packages come from."""
    why = "Debian packages and security updates come from here."
    ends = {ways.end_of(_way(context, mirror) or mirror) for mirror in _mirrors(context)}
    for number, (peer, port) in enumerate(sorted(ends), 1):
        yield Flow(f"packages-{number}", "out", peer, "tcp", port, why, ROLE)
