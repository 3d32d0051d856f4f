"""The policy engine: it asks the checks of `policies/` and keeps what was answered."""
