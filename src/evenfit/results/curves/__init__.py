"""Curves: losses by training rows, by epoch and by a hyperparameter, as frozen values with their statistics."""
