"""Decomposition: an expected loss taken apart into bias, variance and noise, with an interval for every part."""
