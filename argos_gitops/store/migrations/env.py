"""Alembic's entry point: it always runs on a connection that `upgrade` hands in."""

from alembic import context

from argos_gitops.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
