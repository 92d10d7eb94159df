"""Inference: model files, the TFLite runtime, scores, explanations."""
