"""Signs of life of worker processes: whether one works, hangs, or needs a new start."""
