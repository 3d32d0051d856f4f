"""Frozen data sets of a node: what is asked of its host, and how it is asked."""
