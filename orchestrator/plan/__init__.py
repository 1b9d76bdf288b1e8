"""The plan: the one thing the engine knows of a definition, whatever notation it was written in."""
