"""Builds the node that the stack is named after."""

import pulumi

from cairn.errors import CairnError
from cairn.stack.admission import admit
from compute import Compute
from data_provider import DataProvider
from hub import Hub

COMPONENTS = {"data-provider": DataProvider, "hub": Hub, "compute": Compute}

try:
    node = admit(pulumi.get_stack())
except CairnError as refusal:
    pulumi.log.error(str(refusal))
    raise SystemExit(32) from None  # the code by which Pulumi knows that all was said
COMPONENTS[node.plan.kind](node)
