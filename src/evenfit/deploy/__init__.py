"""The trained model: predict and export."""
