"""Networks that others trained, run as they are published: teachers of the models."""
