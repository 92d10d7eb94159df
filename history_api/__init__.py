"""History API: results, recordings, audio and health over HTTP. It reads the database and runs no model."""
