"""Dropout in all its forms: modules, functions, fast masks, schedules, and prediction with dropout left on."""
