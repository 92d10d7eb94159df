"""Sound files of any format as 16-bit PCM: the reader of uploads, simulator, evaluation and training."""
