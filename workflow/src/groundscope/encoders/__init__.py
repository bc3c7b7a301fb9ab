"""Vectors of word tokens: one file a family of encoders."""
