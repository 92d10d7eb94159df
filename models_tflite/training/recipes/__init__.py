"""Recipes: data, windows and training schedule of each model."""
