"""Inference: model files, the TFLite interpreter, classifiers, heart segmentation and occlusion maps."""
