"""Alembic's entry: runs the migrations on the connection that `persistence.migrations` hands over."""

from __future__ import annotations

from alembic import context

from persistence.migrations import own
from persistence.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, include_name=own)
with context.begin_transaction():
    context.run_migrations()
