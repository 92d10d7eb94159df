"""What one recording costs, stage by stage and live."""
