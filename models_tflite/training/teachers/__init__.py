"""Teachers: networks that others trained, and what they say of clips that a network of ours learns from."""
