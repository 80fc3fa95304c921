"""Measures: bias and variance, curves and diagnoses as functions, of configs, estimators and modules alike."""
