"""Folding: dropout taken out of a model for deployment, its scale multiplied into the weights where that is exact."""
