"""The apps of a federation on its hub: kept by digest, run by name of their digest, accounted."""
