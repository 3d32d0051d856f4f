"""The inputs of a role: judged, and completed with the digest of the role's own files."""

from __future__ import annotations

import hashlib
import posixpath
import re
from typing import TYPE_CHECKING, Any

from cairn import house
from cairn.provider.resource import Input
from cairn.provider.wire import UNKNOWN, Secret, Values, plain

if TYPE_CHECKING:
    from pathlib import Path

ROLE_INPUTS = {
    "node": Input("string"),
    "host": Input("string"),
    "role": Input("string"),
    "connection": Input("object"),
    "variables": Input("object", required=False),
    "files": Input("object", required=False),
    "artefacts": Input("object", required=False),
    "digest": Input("string", required=False),
}
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
_MODE = re.compile(r"0?[0-7]{3,4}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REFERENCE = re.compile(r"env:[A-Za-z_]\w*|file:/.+")
_OF_A_FILE = {"content", "mode", "owner", "group"}
_OF_AN_ARTEFACT = {"version", "file", "sha256", "machine"}
_OF_A_CONNECTION = {
    *("local", "address", "port", "user", "key_file", "host_key", "become_password"),
}


def check_role(inputs: Values) -> tuple[Values, list[tuple[str, str]]]:
    """Return the inputs with the digest of the role, and (property, reason) of what is wrong."""
    wrong = [
        (name, f"`{inputs[name]}` is no name; use lower-case letters, digits and dashes")
        for name in ("node", "host", "role")
        if isinstance(inputs[name], str) and not _NAME.fullmatch(inputs[name])
    ]
    wrong += _wrong_files(inputs.get("files")) + _wrong_connection(inputs["connection"])
    wrong += _wrong_artefacts(plain(inputs.get("artefacts")))
    complete: Values = {"variables": {}, "files": {}, "artefacts": {}, **inputs}
    if not wrong and isinstance(inputs["role"], str):
        folder = role_folder(inputs["role"])
        if (folder / "tasks" / "main.yml").is_file():
            complete["digest"] = digest_of_folder(folder)
        else:
            wrong.append(("role", f"there is no role `{inputs['role']}` in {folder.parent}"))
    return complete, wrong


def role_folder(role: str) -> Path:
    """Return the folder of a role."""
    return house.root() / "roles" / role


def digest_of_folder(folder: Path) -> str:
    """Return the SHA-256 over names and bytes of all files below a folder (`sha256:...`).

    What editors and Python leave behind does not count.
    """
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.endswith("~"):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(folder)}\0{content}\n".encode())
    return f"sha256:{total.hexdigest()}"


def _wrong_files(files: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - any value
    opened = files.value if isinstance(files, Secret) else files
    if not isinstance(opened, dict):
        return []
    wrong = [(f'files["{path}"]', why) for path in opened for why in _wrong_path(path)]
    for path, one in opened.items():
        file = one.value if isinstance(one, Secret) else one
        if file is not UNKNOWN:
            wrong += [(f'files["{path}"]', why) for why in _wrong_file(file)]
    return wrong


def _wrong_path(path: str) -> list[str]:
    # The path becomes one below a folder of the controller: `..` must not lead out of it.
    if not path.startswith("/") or posixpath.normpath(path) != path or path == "/":
        return [f"`{path}` is no absolute path in its shortest form"]
    return []


def _wrong_file(file: Any) -> list[str]:  # noqa: ANN401 - any value
    if not isinstance(file, dict) or "content" not in file or set(file) - _OF_A_FILE:
        return [f"a file has {', '.join(sorted(_OF_A_FILE))} and nothing else"]
    for name, value in file.items():
        if plain(value) is not UNKNOWN and not isinstance(plain(value), str):
            return [f"`{name}` of a file is a text"]
    mode = file.get("mode", "0644")
    if isinstance(mode, str) and not _MODE.fullmatch(mode):
        return [f"`{mode}` is no octal mode such as 0644"]
    return []


def _wrong_artefacts(artefacts: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - any value
    if not isinstance(artefacts, dict):
        return []
    told = f"an artefact has {', '.join(sorted(_OF_AN_ARTEFACT))}, each a text"
    return [
        (f'artefacts["{name}"]', told)
        for name, one in artefacts.items()
        if not isinstance(one, dict)
        or set(one) != _OF_AN_ARTEFACT
        or not all(isinstance(value, str) for value in one.values())
        or not _SHA256.fullmatch(one["sha256"])
    ]


def _wrong_connection(connection: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - any value
    opened = connection.value if isinstance(connection, Secret) else connection
    if not isinstance(opened, dict):
        return []
    wrong = [
        (f"connection.{name}", f"`{name}` says nothing about a connection")
        for name in sorted(set(opened) - _OF_A_CONNECTION)
    ]
    reference = plain(opened.get("become_password"))
    if reference not in {None, UNKNOWN} and not _REFERENCE.fullmatch(str(reference)):
        wrong.append(("connection.become_password", "name it as `env:NAME` or `file:/path`"))
    if plain(opened.get("local")) or any(plain(value) is UNKNOWN for value in opened.values()):
        return wrong
    missing = [n for n in ("address", "user", "host_key") if not plain(opened.get(n))]
    return wrong + [(f"connection.{name}", f"`{name}` of the host is missing") for name in missing]
