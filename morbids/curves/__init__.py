"""A dataset of regional curves or parameters, without images: kinetics of every scan, then a test of the group."""
