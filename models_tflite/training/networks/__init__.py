"""Networks: Keras architectures, losses, fitting, and conversion to int8 TFLite."""
