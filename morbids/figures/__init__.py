"""Figures for papers, drawn anew from the results of the group level: `python -m morbids.figures`."""
