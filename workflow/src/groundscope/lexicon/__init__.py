"""What is known about word types: pronunciations, synonyms, norms, groups."""
