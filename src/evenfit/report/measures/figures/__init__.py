"""Figures of measurements: what results draw, on the sheet of a page, each with its words and its table."""
