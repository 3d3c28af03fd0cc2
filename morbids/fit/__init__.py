"""Kinetic models on a table of curves: `python -m morbids.fit TACS.tsv --reference COLUMN -o KINPAR.tsv`."""
