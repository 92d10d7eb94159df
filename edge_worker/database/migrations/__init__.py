"""Alembic's migrations of the history. Run by the worker at start, or by `python -m edge_worker migrate`."""
