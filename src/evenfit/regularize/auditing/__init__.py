"""The audit: mistakes of regularisation in a user's model, found in what flows through it, and measured."""
