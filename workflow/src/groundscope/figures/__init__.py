"""Table in, figure out: one file a figure."""
