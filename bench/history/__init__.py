"""A history of a million results: its rows, on SQLite and PostgreSQL, and what queries of it cost."""
