"""Augmentation: windows drawn, disturbed and mixed for training."""
