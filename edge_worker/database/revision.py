"""Schema revision of a database: which migration it is at, and the upgrade to the newest."""

from typing import Final

from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from edge_worker.database.postgresql import session
from edge_worker.database.postgresql.reason import reason
from edge_worker.errors import StoreError
from edge_worker.own_command import stetho

REVISION: Final = "0020"
"""The newest migration; a test compares it with Alembic's own head."""
_TURN: Final = text("SELECT pg_advisory_xact_lock(:lock)")
_LOCK: Final = 0x57E7_0DB0
"""Any number that no other program uses in the same database."""


def current_revision(engine: Engine) -> str | None:
    """Return the migration that the database is at, None for an empty database.

    Raises:
        StoreError: the database cannot be read or is not ours.
    """
    try:
        with engine.connect() as connection:
            tables = set(inspect(connection).get_table_names())
            if "alembic_version" in tables:
                return connection.execute(
                    select(text("version_num")).select_from(text("alembic_version"))
                ).scalar()
    except SQLAlchemyError as error:
        raise StoreError(f"the database {_shown(engine)} cannot be read: {reason(error)}") from error
    if tables:
        raise StoreError(
            f"the database {_shown(engine)} holds other tables; name another one in STETHO_DATABASE_URL"
        )
    return None


def require_revision(engine: Engine) -> None:
    """Raise StoreError unless the database is at `REVISION`."""
    found = current_revision(engine)
    if found is None:
        raise StoreError(
            f"the database {_shown(engine)} is empty; start the worker once, it creates the tables"
        )
    if found != REVISION:
        raise StoreError(
            f"the database {_shown(engine)} is at schema {found}, this program needs {REVISION}; "
            f"run `{stetho('worker migrate')}` of the newest version"
        )


def upgrade(engine: Engine) -> None:
    """Run the migrations that bring the tables to `REVISION`.

    Raises:
        StoreError: the database is of a newer version, or cannot be written.
    """
    from alembic import command  # noqa: PLC0415 - costs 0.2 s, and only a first start needs it
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "edge_worker.database:migrations")
    try:
        with engine.begin() as connection:
            # One at a time; each finds what the one before has done. All of it stays, or nothing.
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            elif engine.dialect.name == "postgresql":
                session.wait_without_end(connection)
                connection.execute(_TURN, {"lock": _LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"the database {_shown(engine)} is of another version of this program: {error}"
        ) from error
    except SQLAlchemyError as error:
        raise StoreError(f"the database {_shown(engine)} cannot be written: {reason(error)}") from error


def _shown(engine: Engine) -> str:
    return make_url(engine.url).render_as_string(hide_password=True)
