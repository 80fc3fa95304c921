"""W&B sweep files, run locally: reading them, proposing, running programs, stopping runs early."""
