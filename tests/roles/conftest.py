"""What runs on hosts, made importable for the tests of roles that speak its formats."""

from __future__ import annotations

import sys

from cairn import house

for role in ("account", "freeze", "lending", "receiving"):
    sys.path.insert(0, str(house.root() / "roles" / role / "files"))
