"""Models: their cards and figures over HTTP."""
