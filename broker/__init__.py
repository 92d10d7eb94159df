"""Mosquitto of a deployment: configuration, accounts, certificates, and the process itself."""
