"""The site's own certificate authorities: the files that a spec names."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING

from cairn.errors import InvalidSpec
from cairn.spec.certificates import fault_of_authority
from cairn.spec.text import read_bytes
from cairn.spec.types import CERTIFICATE_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cairn.spec.tree import Tree

#: DER, most likely.
_BINARY = "holds no text; make PEM of it with `openssl x509 -inform der -in FILE -out FILE.pem`"


#: Keys that name such files: whom the host trusts, whose certificates clients may show, and under
#: which root the authority of a hub stands.
TRUST_ANCHORS = "network.trust_anchors"
CLIENT_AUTHORITIES = "pacs.tls.client_authorities"
HUB_AUTHORITY = "hub.authority"


def anchors_of(tree: Tree, folder: Path, key: str = TRUST_ANCHORS) -> Mapping[str, str]:
    """Read the certificates of authorities that a spec names.

    Args:
        tree: The spec; what is wrong is added to its faults.
        folder: Folder of the spec.
        key: The list of files, by dotted path.

    Returns:
        PEM text by the stem of the file name.
    """
    found: dict[str, str] = {}
    for loc, named in tree.texts(f"{key}.*"):
        if re.search(CERTIFICATE_PATH, named) is None:
            continue  # the model says so
        stem = PurePosixPath(named).stem
        try:
            pem = read_bytes(folder / named, named).decode()
        except InvalidSpec as error:
            tree.fault(loc, error.problems[0].message)
            continue
        except UnicodeDecodeError:
            tree.fault(loc, _BINARY)
            continue
        fault = fault_of_authority(pem)
        if fault:
            tree.fault(loc, fault)
        elif stem in found:
            tree.fault(loc, f"another file is called `{stem}` too; rename one of them")
        found.setdefault(stem, pem)
    return MappingProxyType(found)
