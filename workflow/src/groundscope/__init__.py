"""What grounding, or any training, does to an encoder, layer by layer."""
