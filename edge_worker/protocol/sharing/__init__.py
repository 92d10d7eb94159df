"""Which of several processes of a worker a device belongs to."""
