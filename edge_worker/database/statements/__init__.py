"""SQL that is made once and run for each recording: making it takes as long as running it."""
