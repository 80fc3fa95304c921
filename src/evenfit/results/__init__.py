"""What experiments answer, as frozen values, and the statistics on them."""
