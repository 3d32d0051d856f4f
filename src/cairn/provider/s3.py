"""A client of an S3 service: of the host's own through SSH, or of one that the spec names."""

from __future__ import annotations

import asyncio
import configparser
import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cairn.provider.failures import Refused
from cairn.provider.root_shell import root_shell

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator

    from cairn.ansible.job import Connection
    from cairn.provider.root_shell import RootShell

PORT = 7070
#: What is read on the host at run time: it goes into memory and nowhere else.
READ = "cat /etc/cairn/storage/root.env && echo === && cat /etc/cairn/pki/authority.crt"
#: SSH forwards nothing on our hosts; a program there passes the bytes on, TLS is end to end.
RELAY = f"""exec /usr/bin/python3 -c '
import os, socket, threading
far = socket.create_connection(("127.0.0.1", {PORT}))
def up():
    while data := os.read(0, 65536):
        far.sendall(data)
    far.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := far.recv(65536):
    while data:
        data = data[os.write(1, data):]
'"""


@contextlib.asynccontextmanager
async def s3_of_host(host: str, way: Connection) -> AsyncIterator[Any]:
    """Give a client of the host's own S3 server, as its administrator.

    Raises:
        Refused: The host cannot be reached, or has no S3 server of ours.
    """
    async with root_shell(host, way) as shell:
        settings, _, authority = (await shell.ask(READ)).partition("===\n")
        keys = dict(line.split("=", 1) for line in settings.splitlines())
        with tempfile.NamedTemporaryFile("w", suffix=".crt") as trusted:
            trusted.write(authority)
            trusted.flush()
            async with _tunnel(shell) as port:
                yield await asyncio.to_thread(
                    client_of,
                    f"https://127.0.0.1:{port}",
                    (keys["ROOT_ACCESS_KEY_ID"], keys["ROOT_SECRET_ACCESS_KEY"]),
                    trusted.name,
                )


@contextlib.asynccontextmanager
async def s3_at(endpoint: str, credentials: str) -> AsyncIterator[Any]:
    """Give a client of an S3 service that is there already.

    Args:
        endpoint: Its address.
        credentials: `file:` and the path of a file in the form of AWS's programs.

    Raises:
        Refused: The credentials cannot be read.
    """
    file, parser = Path(credentials.removeprefix("file:")), configparser.ConfigParser()
    try:
        parser.read_string(await asyncio.to_thread(file.read_text))
        keys = parser["default"]["aws_access_key_id"], parser["default"]["aws_secret_access_key"]
    except (OSError, KeyError, configparser.Error):
        raise Refused(f"{file} holds no credentials in the form of AWS's programs") from None
    yield await asyncio.to_thread(client_of, endpoint, keys, None)


def client_of(endpoint: str, keys: tuple[str, str], authority: str | None) -> Any:  # noqa: ANN401
    """Return a client of boto3 with one connection.

    Args:
        endpoint: Address of the service.
        keys: Access key and secret.
        authority: File of the certificate authority; without one that of the computer.
    """
    import boto3  # noqa: PLC0415 - 0.4 s that only buckets pay
    from botocore.config import Config  # noqa: PLC0415

    # No proxy stands before a tunnel; what is not a tunnel finds its proxy by itself.
    proxies: dict[str, Any] = {"proxies": {}} if authority else {}
    return boto3.Session().client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
        region_name="us-east-1",
        verify=authority,
        config=Config(
            s3={"addressing_style": "path"},
            max_pool_connections=1,
            connect_timeout=30,
            read_timeout=60,
            retries={"max_attempts": 2, "mode": "standard"},
            **proxies,
        ),
    )


@contextlib.asynccontextmanager
async def _tunnel(shell: RootShell) -> AsyncIterator[int]:
    """Listen on a port of the loopback; each connection to it ends at the host's own port."""
    running: set[asyncio.Task[None]] = set()

    async def pass_on(reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a callback of the server is one
        running.add(task)
        # Being cancelled is the usual end; the server would report a task that ends so.
        with contextlib.suppress(asyncio.CancelledError):
            await shell.join(RELAY, reader, writer)

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
