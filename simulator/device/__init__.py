"""Simulated devices: protocol state, MQTT connection, network faults and display."""
