"""Compiled passes over memory: what torch takes several operations for, done in one. Imported when first used."""
