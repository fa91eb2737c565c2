"""The operator's verbs: one file each, with `add` for its arguments and `run` for the deed."""
