"""History over HTTP: results, recordings, audio, health. Reads what the worker wrote; loads no model."""
