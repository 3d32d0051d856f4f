"""The program that Pulumi starts for `--policy-pack /…/.venv/bin/cairn-policy`."""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Serve the policy pack until Pulumi ends it.

    The SDK prints its port without flushing, so standard output is opened anew without a buffer.
    """
    from pulumi_policy import PolicyPack  # noqa: PLC0415 - it must see the new standard output

    from cairn.policy_pack.pack import policies  # noqa: PLC0415

    raw = io.FileIO(sys.stdout.fileno(), "wb", closefd=False)
    sys.stdout = io.TextIOWrapper(raw, write_through=True)
    PolicyPack(name="cairn", policies=policies())
