"""Requests: one transport-neutral pipeline, the servicers behind it, and the gRPC door in front of it."""
