"""Devices: what is known of each stethoscope, and its settings."""
