"""Files of reference data into their tables: what a file is, what its lines say, and how all get in, or none."""
