"""Subjects: the persons and animals, by pseudonym, whose sounds the recordings are."""
