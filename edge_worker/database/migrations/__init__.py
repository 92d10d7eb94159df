"""Alembic migrations of the database, run by the worker at its start or by `stetho worker migrate`."""
