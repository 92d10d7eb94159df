"""Care of a site: what its operator runs to look after it, `stetho doctor`, `backup` and `restore`."""
