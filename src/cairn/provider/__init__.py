"""The Pulumi provider plugin `pulumi-resource-cairn`: what Pulumi asks, done on hosts."""
