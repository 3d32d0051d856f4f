"""Programs and wheels that no Debian archive has: pinned in one lock, kept in one cache."""
