"""Diagnosis: what is wrong with a model on a table, if anything, and what was measured to help."""
