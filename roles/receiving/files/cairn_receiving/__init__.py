"""Takes copies of other nodes' data sets: an inbox that the network reaches, and what empties it."""
