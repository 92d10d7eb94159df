"""NATS of a site larger than one machine: configuration of its nodes, and who is let in."""
