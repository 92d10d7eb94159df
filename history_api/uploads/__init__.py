"""Uploads: sound sent over HTTP."""
