"""The options of the command line, by what they change, and how it is read."""
