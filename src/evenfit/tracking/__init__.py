"""A stored run written to W&B, MLflow or TensorBoard."""
