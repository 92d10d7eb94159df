"""Reproducible measurements against baselines of the same run."""

import edge_worker as edge_worker  # its setting of numpy's threads comes before numpy
