"""Why something does not go on, or how it ended: a chain of links, down to its root."""
