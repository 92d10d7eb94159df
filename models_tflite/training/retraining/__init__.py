"""Retraining from labelled uploads: jobs, candidates, comparison with the model in use, rollback."""
