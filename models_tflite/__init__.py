"""Models as pairs `<model>.tflite` + `<model>.json` (the card), their evaluation and their training."""

import edge_worker as edge_worker  # its setting of numpy's threads comes before numpy
