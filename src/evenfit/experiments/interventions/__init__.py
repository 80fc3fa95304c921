"""Interventions: changes of a model that may help it, one table of them for each kind of model."""
