"""Tables, their columns and splits; encodings are fitted on training rows only."""
