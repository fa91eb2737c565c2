"""What eligibility does: begin, load, decide, save, commit."""
