"""Datasets that are damaged in one way each, with the sentence and the exit code that the damage must have."""
