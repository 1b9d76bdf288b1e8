"""Leaving a request for the daemon, and asking the evaluator about a definition."""
