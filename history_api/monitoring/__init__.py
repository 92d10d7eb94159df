"""Monitoring: health, Prometheus metrics, retention."""
