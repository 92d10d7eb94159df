"""Ingest: received chunks become recordings and streams on disk."""
