"""Telemetry: logs as key-value lines, and metrics for Prometheus."""
