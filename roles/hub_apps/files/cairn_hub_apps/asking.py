"""Asks Flower's command line within this process; for programs that run with a Python that has it.

To import it takes a core more than a second, and each start of `flwr` does so anew.
"""

from __future__ import annotations

import io
import json
import sys
from typing import Any

from flwr.cli.app import app


def asked(*words: str) -> dict[str, Any]:
    """Return what a command of `flwr` answers, also where it says that it did not succeed."""
    said, own = io.StringIO(), sys.stdout
    # Flower prints its answer past whatever stands for standard output.
    vars(sys)["stdout"] = vars(sys)["__stdout__"] = said
    try:
        app([*words, "--format", "json"], standalone_mode=False)
    finally:
        vars(sys)["stdout"] = vars(sys)["__stdout__"] = own
    # It prints notes of its own before the answer.
    text = said.getvalue()
    told: dict[str, Any] = json.loads(text[text.index("{") :])
    return told
