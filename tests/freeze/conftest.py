"""What runs on the host, made importable here."""

from __future__ import annotations

import sys

from cairn import house

sys.path.insert(0, str(house.root() / "roles" / "freeze" / "files"))
