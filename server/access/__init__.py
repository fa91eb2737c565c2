"""Who calls: identities for the pipeline, and the key that signs what we hand out."""
