"""Live events over HTTP: server-sent events of results, exams, devices, workers and sound."""
