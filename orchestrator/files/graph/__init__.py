"""The graph of a workflow or a definition, and its pictures."""
