"""A workflow orchestrator whose every state is a plain file."""

__version__ = "0.1.0"
