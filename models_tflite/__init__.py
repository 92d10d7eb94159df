"""Models as pairs `<model>.tflite` + `<model>.json` (the card), their evaluation and their training."""
