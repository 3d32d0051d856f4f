"""What runs on both hosts, made importable here."""

from __future__ import annotations

import sys

from cairn import house

for role in ("account", "freeze", "lending", "receiving"):
    sys.path.insert(0, str(house.root() / "roles" / role / "files"))
