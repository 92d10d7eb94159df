"""Adaptation of devices: calibrations by healthy hearts, and running spectra of what devices hear."""
