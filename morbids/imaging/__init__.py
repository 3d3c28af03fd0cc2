"""Image to image: registration, motion, tissue, regions, resampling."""
