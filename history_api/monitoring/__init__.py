"""Monitoring: health endpoints, Prometheus metrics, and the deletion of old recordings."""
