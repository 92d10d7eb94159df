"""Evaluation on labelled recordings: metrics of classifiers, signal quality, heart rate and heart sounds."""
