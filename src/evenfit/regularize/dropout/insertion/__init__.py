"""Insertion: dropout put into a model where it belongs: found by tracing, decided by rules, and said."""
