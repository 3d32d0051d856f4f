"""The account of a host: what was approved, run and refused, in lines that follow one another."""
