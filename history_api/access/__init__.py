"""Access control: authentication by API key or session, roles, rate limits, security headers."""
