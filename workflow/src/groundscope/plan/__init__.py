"""What jobs exist: read by the Snakefile, so standard library, PyYAML and jsonschema only."""
