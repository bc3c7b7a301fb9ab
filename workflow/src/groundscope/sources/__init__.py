"""Where checkpoints and data sets are downloaded from."""
