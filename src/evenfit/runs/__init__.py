"""One run, end to end: from a request to a stored, reported, deployed model."""
