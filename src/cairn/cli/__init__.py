"""The command line: one module per verb, one register of verbs, one place that knows colours."""
