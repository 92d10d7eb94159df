"""Figures of the bench: the file that keeps them, what each is and aims at, the table of the README."""
