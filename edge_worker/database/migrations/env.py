"""Entry point of Alembic: runs the migrations on the connection that `revision.upgrade` hands over."""

from alembic import context

from edge_worker.database.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter a column in place
)
with context.begin_transaction():
    context.run_migrations()
