"""Claim of the database of a site."""
