"""What each role needs on a host, one module per role, each with one function `plan`."""
