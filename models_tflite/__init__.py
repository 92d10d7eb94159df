"""Models as pairs of `<model>.tflite` and its card `<model>.json`, their evaluation and their training."""

import edge_worker as edge_worker  # it sets the number of numpy's threads, before numpy is imported
