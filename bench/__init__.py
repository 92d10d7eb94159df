"""Reproducible measurements against baselines named in the same run."""
