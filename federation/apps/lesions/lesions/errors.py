"""What ends a run or an answer, in sentences for people."""

from __future__ import annotations


class Refused(Exception):
    """Something that is not done; the message says why, and names no patient."""


class NoResult(Exception):
    """A run that must not have a result; the message says why."""
