"""Cairn: from a YAML spec to a working, proven imaging node."""

__version__ = "0.1.0"
