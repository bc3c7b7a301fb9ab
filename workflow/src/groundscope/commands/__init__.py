"""One command a rule: arguments, input and output only."""
