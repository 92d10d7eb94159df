"""What the workers of a cluster agree on through PostgreSQL: who holds which shard."""
