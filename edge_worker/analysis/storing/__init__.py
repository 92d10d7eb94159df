"""Storage of what intake and live analysis have closed: a thread of its own, and what is tried again."""
