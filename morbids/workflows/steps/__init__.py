"""Steps: load, compute, save. Each function is one node of a graph."""
