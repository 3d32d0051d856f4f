"""What an `up` of a node would change, asked of Pulumi."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn.stack import pulumi_cli
from cairn.stack.admission import admit
from cairn.stack.changes import changes
from cairn.stack.places import require_running

if TYPE_CHECKING:
    from cairn.stack.changes import Change


def preview_changes(node: str, *, refresh: bool = False) -> tuple[Change, ...]:
    """Preview a node that is admitted.

    Args:
        node: Name of the node.
        refresh: Whether the hosts are asked first, so that drift shows too.

    Raises:
        CairnError: The spec is invalid or refused, or Pulumi cannot preview it.
    """
    document = admit(node).document
    if refresh:
        require_running(document)
    pulumi_cli.prepare(node)
    options = ("--refresh",) if refresh else ()
    return changes(pulumi_cli.ask("preview", *options, node=node))
