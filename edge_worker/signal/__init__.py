"""Signal processing: features, heart rate, segmentation, signal quality, resampling and the audio gate."""
