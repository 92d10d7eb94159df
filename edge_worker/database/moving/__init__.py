"""Move of a site's database: from a file of SQLite to a server of PostgreSQL."""
