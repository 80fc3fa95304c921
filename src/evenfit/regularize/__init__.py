"""Penalties, proximal steps, dropout and folding as torch functions."""
