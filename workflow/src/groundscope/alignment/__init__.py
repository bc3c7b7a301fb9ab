"""Forced alignment: where the words of a transcript are in its recording."""
