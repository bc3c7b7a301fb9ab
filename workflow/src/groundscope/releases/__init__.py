"""Readers of released checkpoint formats that cannot be loaded as they are."""
