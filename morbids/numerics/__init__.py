"""Arrays in, named results out: no files, no workflow engine."""
