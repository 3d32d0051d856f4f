"""The federated-learning agent of a node: one user reaches the hub, another the data, none both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cairn.plan import ways
from cairn.plan.buckets import lends
from cairn.plan.model import (
    Account,
    Flow,
    Listener,
    PlannedFile,
    PlannedRole,
    Secret,
    Service,
)
from cairn.plan.roles import flower
from cairn.spec.node import ComputeNode, DataProviderNode

if TYPE_CHECKING:
    from cairn.plan.context import Context
    from cairn.spec.federation import Endpoint

ROLE: Final = "fl_agent"
#: Has the node's certificate and the only way out.
FORWARDER: Final = "cairn-fl-forward"
#: Has the agent's key and speaks to the hub, through the forwarder alone.
SPEAKER: Final = "cairn-fl-node"
#: Runs applications and sees data; reaches the loopback alone.
AGENT: Final = "cairn-fl-agent"
FOLDER: Final = "/etc/cairn/fl-agent"
#: Made by the role `enrolment`.
IDENTITY: Final = "/etc/cairn/federation"
ENROLLED: Final = f"{IDENTITY}/enrolled"
#: Made on the host; says that whoever asks for tasks is the agent, and no other local account.
SECRET: Final = f"{FOLDER}/superexec.secret"
#: Made on the host, for the loopback: Flower signs with the agent's key only where it sees TLS.
FORWARD_KEY: Final = f"{FOLDER}/forward.key"
#: Before all else on the agent's path: what decides whether an application may run.
APPROVAL: Final = "/usr/local/libexec/cairn/approval/bin"
#: Starts Flower's SuperNode.
STARTER: Final = "/usr/local/libexec/cairn/flower-supernode"
FORWARD_PORT: Final = 9443
TASKS_PORT: Final = 9094
USERS: Final = (FORWARDER, SPEAKER, AGENT)
UNITS: Final = tuple(f"{user}.service" for user in USERS)
#: Of the endpoint in the federation file.
ENDPOINT: Final = "fl"
#: What SuperNode and forwarder need at most; a model of 1 GiB takes 3.4 GiB (measured, flwr 1.42).
SPEAKER_MIB: Final = 4096
GPU_GROUP: Final = "cairn-gpu"


def plan(context: Context) -> PlannedRole:
    """Plan the agent; without an endpoint of the hub there is nothing that it could ask."""
    hub = _endpoint(context)
    if hub is None:
        waits = f"the agent: the federation file names no endpoint `{ENDPOINT}` of the hub"
        return PlannedRole(ROLE, {"fl_agent_wanted": False}, without=(waits,))
    return PlannedRole(
        name=ROLE,
        variables={"fl_agent_wanted": True},
        settings=_settings(context, hub),
        files=(
            PlannedFile(f"{FOLDER}/forward.conf", f"{ROLE}{FOLDER}/forward.conf.j2"),
            PlannedFile(STARTER, f"{ROLE}{STARTER}.j2", "0755"),
            PlannedFile(
                f"{IDENTITY}/renewed.d/{ROLE}", f"{ROLE}{IDENTITY}/renewed.d/{ROLE}.j2", "0755"
            ),
            *(
                PlannedFile(f"/etc/systemd/system/{unit}", f"{ROLE}/etc/systemd/system/{unit}.j2")
                for unit in UNITS
            ),
        ),
        packages=("openssl", "stunnel4"),
        services=tuple(Service(unit, confined=True, after=ENROLLED) for unit in UNITS),
        accounts=(
            Account(FORWARDER, "carries the agent's connection to the hub", login=False),
            Account(SPEAKER, "fetches tasks of the hub", login=False, loopback_only=True),
            Account(AGENT, "runs approved applications", login=False, loopback_only=True),
        ),
        listeners=(
            Listener("127.0.0.1", FORWARD_PORT, "tcp", "stunnel4", after=ENROLLED),
            Listener("127.0.0.1", TASKS_PORT, "tcp", "flower-supernod", after=ENROLLED),
        ),
        flows=(_flow(context, hub),),
        secrets=(Secret(SECRET), Secret(FORWARD_KEY)),
        promises=(("trained", f"only applications that the site approved; {_stays(context)}"),),
    )


def _stays(context: Context) -> str:
    lending = lends(context.spec, context.host.runs)
    return "the agent sends no image" if lending else "images never leave the host"


def _endpoint(context: Context) -> Endpoint | None:
    federation = context.document.federation
    named = federation.endpoints if federation else ()
    return next((one for one in named if one.name == ENDPOINT), None)


def _settings(context: Context, hub: Endpoint) -> dict[str, Any]:
    spec = context.spec
    if not isinstance(spec, DataProviderNode | ComputeNode):
        raise TypeError(f"{spec.name} is a hub and runs `fl-agent`")
    proxy = ways.proxy_end(context.spec.network, hub.host)
    return {
        "agent": AGENT,
        "approval": APPROVAL,
        "cores": spec.fl_agent.cores,
        "enrolled": ENROLLED,
        "environment": flower.folder(context),
        "folder": FOLDER,
        "forwarder": FORWARDER,
        "forward_port": FORWARD_PORT,
        "gpu_group": GPU_GROUP if "gpu" in context.host.runs else "",
        "hub": hub.host,
        "hub_end": f"{hub.host}:{hub.port}",
        "identity": IDENTITY,
        "memory": int(spec.fl_agent.memory),
        "proxy": f"{proxy[0]}:{proxy[1]}" if proxy else "",
        "secret": SECRET,
        "speaker": SPEAKER,
        "speaker_mib": SPEAKER_MIB,
        "starter": STARTER,
        "tasks_port": TASKS_PORT,
        "tls": hub.tls or "1.3",
        "volume": context.volume,
    }


def _flow(context: Context, hub: Endpoint) -> Flow:
    proxy = ways.proxy_end(context.spec.network, hub.host)
    peer, port = proxy or (hub.host, hub.port)
    through = f", through the site's proxy, from {hub.host}" if proxy else ""
    return Flow(
        name="agent-hub",
        direction="out",
        peer=peer,
        protocol="tcp",
        port=port,
        why=f"{hub.why.rstrip('.')}{through}.",
        role=ROLE,
        tls=None if proxy else hub.tls,
        user=FORWARDER,
    )
