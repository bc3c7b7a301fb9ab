"""Word tokens from recordings, alignments, word lists and synthesis."""
