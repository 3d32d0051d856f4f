"""Between a node's spec and its Pulumi stack: admission, places, connections, the Pulumi CLI."""
