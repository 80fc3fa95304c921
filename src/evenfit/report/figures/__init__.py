"""Figures of a study, one in each file: ``draw`` gives a matplotlib figure, ``table`` its numbers."""
