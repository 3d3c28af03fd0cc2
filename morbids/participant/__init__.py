"""One participant: from PET and T1w images to parameters, maps and a page."""
