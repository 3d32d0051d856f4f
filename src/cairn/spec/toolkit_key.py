"""The key that the index of the GPU vendor's packages is signed with: `gpu.toolkit.key`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cairn.errors import InvalidSpec
from cairn.spec.text import read_bytes
from cairn.spec.types import PACKAGE_KEY_PATH

if TYPE_CHECKING:
    from pathlib import Path

    from cairn.spec.tree import Tree

#: RFC 9580 section 6.2: an armoured public key, and nothing else in the file.
_ARMOURED = re.compile(
    r"\s*-----BEGIN PGP PUBLIC KEY BLOCK-----\n[A-Za-z0-9+/=:. \n-]+"
    r"-----END PGP PUBLIC KEY BLOCK-----\s*"
)


def toolkit_key_of(tree: Tree, folder: Path) -> str:
    """Read the key that a spec names for the archive of the container toolkit.

    Args:
        tree: The spec; what is wrong is added to its faults.
        folder: Folder of the spec.

    Returns:
        The armoured key, or empty text if the spec names none or it cannot be used.
    """
    for loc, named in tree.texts("gpu.toolkit.key"):
        if re.search(PACKAGE_KEY_PATH, named) is None:
            continue  # the model says so
        try:
            text = read_bytes(folder / named, named).decode("ascii")
        except InvalidSpec as error:
            tree.fault(loc, error.problems[0].message)
            continue
        except UnicodeDecodeError:
            text = ""
        if _ARMOURED.fullmatch(text) is None:
            tree.fault(loc, "holds no armoured public key; make one with `gpg --armor --export`")
            continue
        return text.strip()
    return ""
