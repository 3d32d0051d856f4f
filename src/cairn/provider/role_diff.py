"""What differs between a role as recorded and a role as wanted; pure and cheap."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from cairn.provider.artefacts import wanted
from cairn.provider.resource import Difference
from cairn.provider.wire import Secret, Values, has_secret, has_unknown, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cairn.provider.resource import Kind

_IDENTITY = ("node", "host", "role")
_DRIFT = "drift"


def compare_roles(old_inputs: Values, old_outputs: Values, inputs: Values) -> Difference:
    """Name all that differs: files, variables, artefacts, the role's code, the machine, and drift.

    A host that has only moved (another address, another key file) is the same host.
    """
    changes: dict[str, Kind] = {
        name: "UPDATE_REPLACE"
        for name in _IDENTITY
        if plain(old_inputs.get(name)) != plain(inputs.get(name))
    }
    if plain(old_inputs.get("digest")) != plain(inputs.get("digest")):
        changes["digest"] = "UPDATE"
    changes |= _new_machine(_opened(old_inputs, "connection"), _opened(inputs, "connection"))
    changes |= _maps("variables", _opened(old_inputs, "variables"), _opened(inputs, "variables"))
    changes |= _maps("artefacts", _opened(old_inputs, "artefacts"), _opened(inputs, "artefacts"))
    changes |= dict(_files(_opened(old_inputs, "files"), _opened(inputs, "files")))
    if plain(old_outputs.get(_DRIFT)):
        changes[_DRIFT] = "UPDATE"
    return Difference(changes, frozenset({_DRIFT}))


def _opened(values: Values, name: str) -> Any:  # noqa: ANN401 - any value
    value = values.get(name)
    return value.value if isinstance(value, Secret) else value


def _new_machine(old: Any, new: Any) -> dict[str, Kind]:  # noqa: ANN401 - any value
    if not isinstance(old, dict) or not isinstance(new, dict):
        # Not known yet: the machine is about to be made anew.
        return {} if plain(old) == plain(new) else {"connection": "UPDATE"}
    same = plain(old.get("host_key")) == plain(new.get("host_key"))
    return {} if same else {"connection.host_key": "UPDATE"}


def _maps(path: str, old: Any, new: Any) -> dict[str, Kind]:  # noqa: ANN401 - any value
    old, new = old or {}, new or {}
    if not isinstance(old, dict) or not isinstance(new, dict):
        return {} if plain(old) == plain(new) else {path: "UPDATE"}
    return {
        step(path, key): _kind(old, new, key)
        for key in sorted(old | new)
        if key not in old or key not in new or plain(old[key]) != plain(new[key])
    }


def _files(old: Any, new: Any) -> Iterator[tuple[str, Kind]]:  # noqa: ANN401 - any value
    for path, kind in _maps("files", old, new).items():
        name = path.removeprefix('files["').removesuffix('"]')
        if kind != "UPDATE" or path == "files":
            yield path, kind
        else:
            yield from _maps(path, _opened(old, name), _opened(new, name)).items()


def _kind(old: Values, new: Values, key: str) -> Kind:
    if key not in old:
        return "ADD"
    return "UPDATE" if key in new else "DELETE"


def step(path: str, key: str) -> str:
    """Return a Pulumi property path one step further down."""
    return f"{path}.{key}" if re.fullmatch(r"[A-Za-z_]\w*", key) else f'{path}["{key}"]'


def digests_of_files(inputs: Values) -> Values:
    """Return the SHA-256 of each rendered file by path; `secret` stands for a secret file's.

    Artefacts are among them: they too must be taken away when they are planned no more.
    """
    files = _opened(inputs, "files") or {}
    sent = {one.path: f"sha256:{one.sha256}" for one in wanted(inputs)}
    if not isinstance(files, dict):
        return sent
    return sent | {path: _digest(file) for path, file in files.items() if not has_unknown(file)}


def digest_of_inputs(inputs: Values) -> str:
    """Return one digest of what an apply was made of, without any secret value in it."""
    chosen = {
        "digest": plain(inputs.get("digest")),
        "variables": _masked(inputs.get("variables")),
        "files": _masked(inputs.get("files")),
        "artefacts": plain(inputs.get("artefacts")),
    }
    text = json.dumps(chosen, sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _digest(file: Any) -> str:  # noqa: ANN401 - any value
    if has_secret(file):
        return "secret"
    return f"sha256:{hashlib.sha256(file['content'].encode()).hexdigest()}"


def _masked(value: Any) -> Any:  # noqa: ANN401 - any value
    if isinstance(value, Secret):
        return "secret"
    if isinstance(value, dict):
        return {key: _masked(inner) for key, inner in value.items()}
    return [_masked(inner) for inner in value] if isinstance(value, list) else value
