"""Pure functions on representations: arrays in, arrays out."""
