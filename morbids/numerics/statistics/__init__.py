"""Group-level statistics and inference."""
