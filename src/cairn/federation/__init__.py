"""What ties the nodes of a federation together: its authority, and who belongs to it."""
