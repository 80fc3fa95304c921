"""From the history of a search to what is tried next."""
