"""Networks: Keras architectures, their losses, fitting, and conversion to int8 TFLite."""
