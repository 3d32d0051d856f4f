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
    raise pulumi.RunError(str(refusal)) from None
COMPONENTS[node.plan.kind](node)
