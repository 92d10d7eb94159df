"""Sound sources: files, microphones and synthesised hearts."""
