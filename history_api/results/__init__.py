"""Results over HTTP: recordings, exams, timelines, reviews, filters and export."""
