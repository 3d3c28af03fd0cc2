"""morbids: from a PET-BIDS dataset to group-level inference."""
