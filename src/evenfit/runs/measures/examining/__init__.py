"""All that a diagnosis looks at, fitted while time lasts."""
