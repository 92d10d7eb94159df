"""Augmentation and sampling of training windows."""
