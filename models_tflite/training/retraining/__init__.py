"""Retraining service: labelled uploads in, better model versions out."""
