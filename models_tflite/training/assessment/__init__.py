"""Assessment: cross-validation, calibration and the cards of models."""
