"""Proof of a site of several workers: parts of it are killed and stopped at random, and nothing is lost."""
