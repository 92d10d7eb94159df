"""Pictures: waveforms, spectrograms, timelines and charts as SVG and PNG."""
