"""Simulated devices: protocol state, connection and display."""
