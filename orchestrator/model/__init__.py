"""The nouns of the system, shared by every process. Pure and cheap to import."""
