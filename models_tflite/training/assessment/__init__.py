"""Assessment: figures on unseen groups, calibration, model cards."""
