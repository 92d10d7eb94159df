"""Access control: API keys, sessions, roles, rate limits, security headers."""
