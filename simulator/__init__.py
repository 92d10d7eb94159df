"""Stethoscopes in software: synthesised heart sounds, one simulated device, a fleet of them, the demo."""
