"""The one error that ends a job with a sentence for a person."""

from __future__ import annotations


class Refused(Exception):
    """A job cannot be done; the message says what is wrong and what to do, and names no subject."""
