"""Config, Space and Budget: frozen values in plain Python, JSON in and out."""
