"""Pictures of recordings, labels and models as SVG and PNG: waveform, spectrogram, timeline, charts."""
