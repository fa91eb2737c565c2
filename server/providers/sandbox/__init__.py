"""A payment provider without a bank: what becomes of a charge is written in its script, or done to it by hand."""
