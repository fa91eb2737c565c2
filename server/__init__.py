"""The doors and the composition root: gRPC, HTTP, settings, signals, and the wiring that joins the rooms.

The room's rule: only `wiring` (and the entry and commands above it) sees persistence and messaging; what serves
requests knows the domain and the contracts, and reaches everything else through ports that it is given.
"""
