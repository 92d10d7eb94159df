"""Devices: the stethoscopes that sent recordings, and the settings of each."""
