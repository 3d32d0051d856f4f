"""Takes copies of other nodes' data sets: an inbox for the network, and what empties it."""
