"""Questions about a network, one function each; they yield, and never save."""
