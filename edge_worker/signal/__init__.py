"""Signal processing: pure functions on sound."""
