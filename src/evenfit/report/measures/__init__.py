"""Reports of measurements: bias and variance, learning curves, validation curves, diagnoses; text and HTML."""
