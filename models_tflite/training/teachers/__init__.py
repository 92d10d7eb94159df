"""Teachers: a network that others trained, and what it says of clips that a network of ours learns from."""
