"""The engine: many networks trained as one tensor program."""
