"""Recipes: data, windows, network and training schedule of each model."""
