"""Apps of a federation: bytes with a digest, signed, kept on the hub, approved by each site."""
