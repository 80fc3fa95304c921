"""Compiled code: one member's training step, from its rows to its new weights, without leaving the cache.

Numbers are computed in the arrays' own precision, so the same code serves training (float32) and
the tests of its laws (float64). ``plain`` is the slow twin of all of it.
"""
