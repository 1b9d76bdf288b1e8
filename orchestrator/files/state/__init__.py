"""Workflows and tasks as their files tell them now, and what is said of one that is not there."""
