"""A stethoscope in software: synthesises heart sounds, plays one device, plays a fleet of them."""
