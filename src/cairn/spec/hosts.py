"""The hosts of a node: where each machine comes from and what it runs."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, StrictBool, StrictInt, Tag

from cairn.spec.model import Declared
from cairn.spec.types import AddressOrLocal, KeyFile, Login, Name, Port, PublicKey, SecretRef, Size

#: What an ordinary machine can do and a container cannot: load kernel modules and set kernel
#: parameters, keep the clock, run the audit daemon, confine services with AppArmor.
Capability = Literal["kernel", "clock", "audit", "apparmor"]
CAPABILITIES: tuple[Capability, ...] = get_args(Capability)

OperatingSystem = Literal["debian-13", "debian-12"]


class ExistingMachine(Declared):
    """A machine that is already there, reached over SSH, or the one that Cairn runs on."""

    existing: AddressOrLocal
    """Its address, or `local` for the computer that Cairn itself runs on."""
    user: Login = "cairn-admin"
    """The account that Cairn logs in as; it may use sudo."""
    port: Port = 22
    """The port of its SSH server."""
    host_key: PublicKey | None = None
    """Its public SSH host key, compared at the console; without it nothing is applied."""
    key: KeyFile | None = None
    """`file:` reference to the private key that opens it; the SSH agent's if absent."""
    become_password: SecretRef | None = None
    """Reference to the password of sudo (`env:NAME` or `file:/path`), if sudo asks for one."""
    lacks: tuple[Capability, ...] = ()
    """What the machine cannot do because it is a container: kernel, clock, audit, apparmor."""


#: Tags in angle brackets cannot be taken for keys in the path of an error.
def _which_machine(value: Any) -> str:  # noqa: ANN401 - pydantic hands over whatever the YAML held
    return "<existing>" if isinstance(value, dict | ExistingMachine) else "<sandbox>"


Machine = Annotated[
    Annotated[Literal["sandbox"], Tag("<sandbox>")] | Annotated[ExistingMachine, Tag("<existing>")],
    Discriminator(_which_machine),
]


class Hardware(Declared):
    """What the machine has; compared with the minimum of the tier and with the machine itself."""

    cores: Annotated[StrictInt, Field(ge=1)]
    """Physical cores."""
    threads: Annotated[StrictInt, Field(ge=1)] | None = None
    """Hardware threads, if more than cores."""
    clock_mhz: Annotated[StrictInt, Field(ge=100)] | None = None
    """Nominal clock of a core in MHz."""
    memory: Size
    """Main memory."""
    disk: Size
    """Disk for system and data together."""


class Host(Declared):
    """One machine of the node."""

    name: Name
    """Its name inside the node."""
    machine: Machine
    """`sandbox` for a throw-away machine on this computer, or `{existing: ADDRESS, user: NAME}`."""
    os: OperatingSystem
    """Its operating system."""
    runs: tuple[str, ...] = ()
    """The roles it runs; base, trust and firewall run on every host and are not named."""
    hardware: Hardware | None = None
    """What the machine has."""
    reboots_itself: StrictBool = False
    """Whether security updates may reboot it in the maintenance window."""

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """What this machine can do: nothing special in a sandbox, all but `lacks` elsewhere."""
        if isinstance(self.machine, ExistingMachine):
            return tuple(able for able in CAPABILITIES if able not in self.machine.lacks)
        return ()
