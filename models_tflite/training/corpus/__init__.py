"""Training corpus: public datasets as labelled recordings."""
