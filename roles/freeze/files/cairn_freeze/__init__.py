"""Frozen data sets: from the archive of a host into its storage, without leaving the host."""
