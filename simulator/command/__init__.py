"""Commands of the simulator, one module each, and the arguments that they share."""
