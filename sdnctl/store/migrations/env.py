"""Alembic's entry: runs on the connection that `store.open_store` hands over."""

from alembic import context

from sdnctl.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
