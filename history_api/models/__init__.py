"""Models: their cards and evaluation figures over HTTP."""
