"""Requests by files: one JSON file in ``inbox/``, answered by one in ``replies/`` (ruling A-76)."""
