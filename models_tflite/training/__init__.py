"""Training of the shipped models. TensorFlow is imported here and nowhere else."""
