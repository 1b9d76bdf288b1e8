"""From a user's text to a plan: reading, checking, and saying where something is wrong."""
