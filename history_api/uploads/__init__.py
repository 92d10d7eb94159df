"""Uploads: sound files sent over HTTP, decoded and published to the worker as recordings."""
