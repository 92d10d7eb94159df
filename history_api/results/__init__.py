"""Results: recordings, exams, filters, export, reviews."""
