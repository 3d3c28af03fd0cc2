"""What is on disk: PET-BIDS input, one time axis, names and sidecars of outputs."""
