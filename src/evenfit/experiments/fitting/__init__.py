"""Fitting: many models at once, whatever they are, each on rows of its own."""
