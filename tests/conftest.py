"""What all tests share: sandbox hosts as fixtures, and a clear word where there can be none."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

# Tests are no package; what several of them share is imported as `sandbox.hosts` and the like.
sys.path.append(str(Path(__file__).parent))

# Whoever starts the tests in the background may have switched Ctrl-C off for all below; the tests
# of interruptions need it.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ("sandbox.hosts", "e2e.houses", "e2e.machines", "softhsm")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests that need a sandbox host where the caller cannot have one."""
    if os.geteuid() == 0:
        return
    needs_root = pytest.mark.skip(reason="sandbox hosts need root; run `sudo make test`")
    for item in items:
        if item.get_closest_marker("sandbox"):
            item.add_marker(needs_root)
