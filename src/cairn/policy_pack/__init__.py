"""The policy pack for `pulumi --policy-pack`: the checks of `policies/`, asked by Pulumi."""
