"""Leases of shards: which process of a cluster serves which devices, and how that moves."""
