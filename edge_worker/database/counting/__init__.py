"""Counts that are kept with the rows that they count, because counting a million rows takes a second."""
