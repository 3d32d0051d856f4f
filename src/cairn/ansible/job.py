"""What one run of a role is made of, and how it travels to the child process as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Connection:
    """How a host is reached.

    Attributes:
        local: The host is this computer; no SSH, and nothing below is used but `become_password`.
        address: Address or name of the host.
        port: TCP port of its SSH server.
        user: Account that logs in; `root`, or one that may use sudo.
        key_file: Absolute path of the private key on the controller; None takes the SSH agent.
        host_key: The pinned public key of the host (`ssh-ed25519 AAAA...`).
        become_password: Reference to the sudo password: `env:NAME` or `file:/path`.
    """

    local: bool = False
    address: str = ""
    port: int = 22
    user: str = ""
    key_file: str | None = None
    host_key: str | None = None
    become_password: str | None = None


@dataclass(frozen=True, slots=True)
class HostFile:
    """A rendered file that the role puts on the host; a secret one never shows in log or diff."""

    content: str
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"
    secret: bool = False


@dataclass(frozen=True, slots=True)
class RoleRun:
    """One role on one host.

    Attributes:
        node: Name of the node, which is the folder of the log.
        host: Name of the host, as it stands in messages.
        role: Name of the role, a folder under `roles`.
        roles: Absolute path of the folder that holds the roles.
        log: Absolute path of the file that takes everything Ansible says (mode 0600).
        work: Absolute path of the folder in which the run makes its private folder.
        connection: How the host is reached.
        variables: The variables of the role, JSON values, taken verbatim: `{{` means itself.
        files: The rendered files by absolute path on the host.
        obsolete: Absolute paths that an earlier run put there and the plan no longer has.
        tasks_from: Entry point of the role, `main` or `remove`.
        check: Only look: nothing changes, and what would change is told with a diff.
        artefacts: What lies on the host already, each with name, version, file, sha256 and path.
        secrets: Values that are struck out of every message and of the log.
        strategy: Ansible's strategy; anything but `mitogen_linear` is for comparisons.
    """

    node: str
    host: str
    role: str
    roles: str
    log: str
    work: str
    connection: Connection
    variables: dict[str, Any] = field(default_factory=dict)
    files: dict[str, HostFile] = field(default_factory=dict)
    obsolete: tuple[str, ...] = ()
    tasks_from: str = "main"
    check: bool = False
    artefacts: tuple[dict[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    strategy: str = "mitogen_linear"

    @property
    def hidden(self) -> tuple[str, ...]:
        """Return every text that must not be seen: the secrets and the content of secret files."""
        return (*self.secrets, *(file.content for file in self.files.values() if file.secret))

    def dump(self) -> str:
        """Return the run as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> RoleRun:
        """Return the run that `dump` wrote."""
        values = json.loads(text)
        values["connection"] = Connection(**values["connection"])
        values["files"] = {path: HostFile(**file) for path, file in values["files"].items()}
        values["obsolete"] = tuple(values["obsolete"])
        values["artefacts"] = tuple(values["artefacts"])
        values["secrets"] = tuple(values["secrets"])
        return cls(**values)
