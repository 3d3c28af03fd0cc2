"""A whole PET-BIDS study with known truth."""
