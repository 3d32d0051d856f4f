"""Lends frozen data sets of this host to the compute nodes that its spec names."""
