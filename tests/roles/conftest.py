"""What runs on hosts, made importable for the tests of roles that speak its formats."""

from __future__ import annotations

import sys

from cairn import house

sys.path.insert(0, str(house.root() / "roles" / "freeze" / "files"))
