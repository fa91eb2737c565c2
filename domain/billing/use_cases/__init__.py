"""What billing does: begin, load, decide, save, commit; and, between two such units, the calls to a provider."""
