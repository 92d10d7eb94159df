"""Training corpus: the public datasets as labelled recordings."""
