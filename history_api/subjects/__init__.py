"""Subjects over HTTP: whose sounds the recordings are, and all that is stored of one."""
