"""State of a site: its checked clock, times that are uncertain, and facts that outlive a process."""
