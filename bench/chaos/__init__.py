"""Chaos: faults and floods against a site of real processes, and what its neighbours lose by them."""
