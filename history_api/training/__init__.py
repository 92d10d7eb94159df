"""Training over HTTP: labelled sounds and retraining jobs."""
