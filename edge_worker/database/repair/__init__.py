"""Repair of a damaged SQLite file: indexes made again, what can be read copied into a new file."""
