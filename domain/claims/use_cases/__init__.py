"""What claims do: look up outside, then begin, load, decide, save, commit."""
