"""Ingest: chunks become recordings and streams on disk."""
