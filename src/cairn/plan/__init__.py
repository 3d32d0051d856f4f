"""What follows from a spec: hosts and roles, ports and flows, accounts, services, files."""
