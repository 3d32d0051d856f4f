"""What an auditor gets: one canonical report, all that is made of it, and its signature."""
