"""Reviews of results by people."""
