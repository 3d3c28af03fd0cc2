"""Reference-tissue models, one file per family."""
