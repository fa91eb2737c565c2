"""Payment providers: what carries out the domain's port `Provider` over somebody's wire.

The room's rule: whatever a provider says becomes a Snapshot, a Giveback, or one of the two ways not to know; no word of
its wire, no float and no credential leaves its own package.
"""
