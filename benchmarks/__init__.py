"""Accuracy and speed of the program, each figure by one command: ``python -m benchmarks NAME [--quick]``."""
