"""Evaluation: figures of models, quality gate and heart rate on labelled recordings."""
