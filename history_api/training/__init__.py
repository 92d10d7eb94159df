"""Training over HTTP: labelled sounds as training data, and retraining jobs."""
