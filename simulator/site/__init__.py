"""A whole site on loopback: broker, worker, API and firmware as processes."""
