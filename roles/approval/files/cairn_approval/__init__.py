"""What lets an app run on this node: approved bytes, in a cell, with an account."""
