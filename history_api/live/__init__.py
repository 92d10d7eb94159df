"""Live events: server-sent events of results, devices and sound."""
